// `node test/setup/bundleParts.ts DIRECTORY`: a process of its own, since Vitest's modules can't resolve what the build does.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../deploy/artefacts/bundle.ts';
import { PARTS } from './parts.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const [, , directory = ''] = process.argv;

process.removeAllListeners('warning');
await Promise.all(
  Object.entries(PARTS).map(async ([name, source]) => {
    const { files } = await bundle(ROOT, name, source);
    for (const [file, contents] of files) {
      mkdirSync(dirname(join(directory, file)), { recursive: true });
      writeFileSync(join(directory, file), contents);
    }
  }),
);
