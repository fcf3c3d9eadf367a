import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MOUNT_METRICS, PROBE_METRICS } from '../../dfs/metrics.ts';
import { ORCHESTRATOR_METRICS } from '../../orchestrator/metricTable.ts';
import { WORKER_METRICS } from '../../worker/metrics.ts';
import { readDoc, sectionOf } from './markdown.ts';

const METRICS = [...ORCHESTRATOR_METRICS, ...WORKER_METRICS, ...PROBE_METRICS, ...MOUNT_METRICS];
const LABELS_OF_PROMETHEUS = ['le', 'job', 'instance'];

function deployed(name: string): string {
  return readFileSync(new URL(`../../deploy/${name}`, import.meta.url), 'utf8');
}

/** Every metric that an expression reads must exist, with all labels that it names. */
function expectKnown(expression: string): void {
  const bare = expression.replaceAll(/"[^"]*"|\[[^\]]*\]/g, '');
  const labels = [...bare.matchAll(/(?:by|on)\s*\(([^)]*)\)|\{([^}]*)\}/g)].flatMap(
    ([, by = '', match = '']) =>
      `${by},${match}`.split(',').map((part) => part.replace(/[=!~].*/, '').trim()),
  );
  const words =
    bare.replaceAll(/(?:by|on)\s*\([^)]*\)|\{[^}]*\}/g, ' ').match(/[a-z_][a-z0-9_]*\b(?!\s*\()/g) ?? [];
  const names = words.filter((word) => !['or', 'and', 'unless'].includes(word));
  expect(names, expression).not.toEqual([]);
  const metrics = names.map((name) => {
    const metric = METRICS.find((one) => {
      return one.type === 'histogram' ? name === `${one.name}_bucket` : name === one.name;
    });
    expect(metric, `${name} in ${expression}`).toBeDefined();
    return metric;
  });
  const known = [...LABELS_OF_PROMETHEUS, ...metrics.flatMap((metric) => metric?.labels ?? [])];
  for (const label of labels.filter((one) => one !== '')) expect(known, expression).toContain(label);
}

describe('alerts', () => {
  const rules = deployed('prometheus/rules.yaml');
  const values = (key: string) =>
    [...rules.matchAll(new RegExp(`^ +(?:- )?${key}: '?(.*?)'?$`, 'gm'))].map(([, value = '']) => value);

  test('read metrics that there are', () => {
    expect(values('expr')).toHaveLength(values('alert').length);
    for (const expression of values('expr')) expectKnown(expression);
  });

  test('have a runbook each, and no runbook is of none', () => {
    const operations = readDoc('operations.md');
    const headings = [...sectionOf(operations, 'Alerts').matchAll(/^### (.*)$/gm)].map(
      ([, heading = '']) => heading,
    );
    const anchors = headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
    expect(values('runbook_url')).toEqual(anchors.map((anchor) => `docs/operations.md#${anchor}`));
    expect(values('alert')).toHaveLength(anchors.length);
  });
});

describe.each(['clusterplex', 'clusterplex-ts'])('the dashboard %s', (name) => {
  const { panels }: { panels: { targets: { expr: string }[] }[] } = JSON.parse(
    deployed(`grafana/${name}.json`),
  );

  test('reads metrics that there are', () => {
    for (const { targets } of panels) {
      expect(targets.length).toBeGreaterThan(0);
      for (const { expr } of targets) expectKnown(expr);
    }
  });
});
