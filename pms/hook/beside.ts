import type { ChildProcess } from 'node:child_process';
import type { ByteString } from '#shared/bytes.ts';
import { bytesAsText, type Call, say, shellArgv, wordsOf } from './call.ts';

/**
 * Descriptor 3 ends with the hook, however that goes: PMS uses SIGKILL. The process group is the transcoder's, and its
 * number is not used again while the guard is in it.
 */
const GUARD = '{ read -r end <&3; kill -KILL "-$$"; } >/dev/null 2>&1 & exec 3<&-; ';

/** Runs the original transcoder as a child that dies with the hook, which ends as it does. */
export function runBeside(call: Call, argv: readonly ByteString[], reason: string): ChildProcess {
  if (call.verbose) say(`going on locally: ${reason}`);
  const { spawn } = process.getBuiltinModule('node:child_process');
  const words = wordsOf({ ...call, args: argv.map(bytesAsText) });
  const child = spawn('/bin/sh', shellArgv(words, GUARD).slice(1), {
    detached: true,
    env: { LC_ALL: 'C' },
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  });
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
    // Node itself ignores some.
    process.exit(code ?? 128 + (signal ? process.getBuiltinModule('node:os').constants.signals[signal] : 0));
  });
  return child;
}
