import { join } from 'node:path';
import { sourceOf } from '../../deploy/artefacts/parts.ts';

/** As they are delivered. */
export const PARTS = ['orchestrator', 'worker', 'relay', 'dfs-probe', 'dfs-mount'] as const;

/** Programs of the tests; the first is what the virtual machine runs. */
export const PROGRAMS = [
  'test/nfs/guest.ts',
  'test/support/fuseMount/passthrough.ts',
  'test/support/plexTranscoder/main.ts',
] as const;

export const FILM = 'film.mkv';
/** So long that it is neither over nor all in the page cache when its server is lost. */
export const FILM_SECONDS = 24;

/** Where a bundle is, below the directory of them all. */
export function bundleOf(part: (typeof PARTS)[number]): string {
  return join('parts', `${part}.js`);
}

export function programOf(source: (typeof PROGRAMS)[number]): string {
  return source.replace(/\.ts$/, '.mjs');
}

/** For `Part.bundles`. */
export function bundlesIn(directory: string): Readonly<Record<string, string>> {
  return Object.fromEntries(PARTS.map((part) => [sourceOf(part), join(directory, bundleOf(part))]));
}
