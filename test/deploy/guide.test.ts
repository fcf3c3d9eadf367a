import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { lint } from '../../deploy/check/check.ts';
import { idOf } from '../../deploy/check/overlay.ts';
import { renderAll } from '../../deploy/check/render.ts';
import { findTool } from '../../deploy/check/tools.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const kubectl = await findTool(root, 'kubectl');
const guide = readFileSync(join(root, 'deploy/README.md'), 'utf8');

const directory = mkdtempSync(join(tmpdir(), 'clusterplex-guide-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('what the guide tells to write', () => {
  it.runIf(kubectl)('is taken by kustomize, does what it says, and breaks no rule', async () => {
    const written = blocks();
    const base = relative(directory, join(root, 'deploy'));
    writeFileSync(
      join(directory, 'egress.yaml'),
      stringify(written.find(({ kind }) => kind === 'NetworkPolicy')),
    );
    const overlay = {
      resources: [`${base}/base`, 'egress.yaml'],
      components: [`${base}/components/intel`],
      images: written.findLast(({ images }) => images)?.['images'],
      patches: written.flatMap(({ patches }) => (Array.isArray(patches) ? patches : [])),
    };
    expect(overlay.patches).toHaveLength(4);
    writeFileSync(join(directory, 'kustomization.yaml'), stringify(overlay));

    const [rendered] = await renderAll(kubectl ?? '', '/', [directory]);
    const { objects } = rendered ?? { objects: [] };
    expect(lint({ name: 'guide', objects })).toEqual([]);
    const texts = Object.fromEntries(objects.map((object) => [idOf(object), JSON.stringify(object)]));
    const said = ['/mnt/films:ro', 'http://otel-collector.monitoring:4318', 'plex:version-…', ':0.1.0-2"'];
    for (const words of said) {
      expect(texts['Deployment clusterplex/clusterplex-pms']).toContain(words);
      expect(texts['StatefulSet clusterplex/clusterplex-worker']).toContain(words);
    }
    expect(texts['StatefulSet clusterplex/clusterplex-worker']).toContain('"supplementalGroups":[104]');
    expect(texts['NetworkPolicy clusterplex/clusterplex-egress']).toContain('4318');
  });
});

/** Each block of YAML, whatever list it stands in. */
function blocks(): Record<string, unknown>[] {
  const found = [...guide.matchAll(/^( *)```yaml\n(.*?)^ *```$/gms)];
  return found.map(([, indent = '', text = '']) =>
    parse(text.replaceAll(new RegExp(`^${indent}`, 'gm'), '')),
  );
}
