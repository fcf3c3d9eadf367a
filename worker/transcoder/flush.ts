import type { ByteString } from '#shared/bytes.ts';
import { spawnShell } from './launch.ts';

/** Calls back once all that anybody here wrote to the file system of a directory has reached it. While that hangs, never. */
export function flush(directory: ByteString, flushed: () => void): void {
  const { child, stdout, stderr, report } = spawnShell('exec sync -f -- "$1"', [directory], {});
  for (const stream of [stdout, stderr, report]) stream.on('error', () => undefined).resume();
  // Nobody knows then; a process that could not be started says no `exit`.
  child.once('error', () => undefined);
  child.once('exit', flushed);
}
