// `node test/setup/bundleParts.ts DIRECTORY`: a process of its own, since Vitest's modules can't resolve what the build does.
import { fileURLToPath } from 'node:url';
import { bundle, writeBundle } from '../../deploy/artefacts/bundle.ts';
import { sourceOf } from '../../deploy/artefacts/parts.ts';
import { PARTS } from './bundles.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const [, , directory = ''] = process.argv;

process.removeAllListeners('warning');
await Promise.all(
  PARTS.map(async (part) => writeBundle(directory, await bundle(ROOT, part, sourceOf(part)))),
);
