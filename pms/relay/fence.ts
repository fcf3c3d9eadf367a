import { spawn } from 'node:child_process';
import { latin1 } from '#shared/bytes.ts';
import type { Clock } from '#shared/clock.ts';
import type { JobSpec } from '#shared/job.ts';
import type { Logger } from '#shared/logger.ts';
import { ownerFile } from '#shared/ownerFile.ts';
import { NOBODY } from '../hook/takeOver.ts';

/** As for a probe of a mount (shared/storage/probe.ts). */
const DEADLINE_MS = 5_000;

/** What hook/takeOver.ts does, where nobody has put a link or a directory of that name. */
const SCRIPT = `
exec 2>/dev/null
file=$(printf '%b.' "$1") file=\${file%.}
[ ! -L "$file.new" ] && [ ! -d "$file" ] || exit 1
printf '%s relay\\n' "$2" > "$file.new" && exec mv -f -- "$file.new" "$file"
`;

/**
 * Takes a job away from whoever may still run it, in a process of its own, since the job's directory may lie on a mount
 * that hangs.
 *
 * @param done hears whether it can count as done: also when the directory is gone, which PMS may have deleted. On a mount
 *   that hangs that may take as long as the mount does.
 */
export function fence(
  { jobId, cwd }: JobSpec,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  done: (fenced: boolean) => void,
): void {
  // A command line can't carry every byte.
  const path = `${latin1(cwd)}/${ownerFile(jobId)}`.replace(/[^\w/.-]/g, octal);
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', path, String(NOBODY)], { stdio: 'ignore' });
  const deadline = clock.after(DEADLINE_MS, () => {
    logger.warn({ jobId }, 'the directory of the job does not answer: nobody may write there until it does');
    child.kill('SIGKILL');
    child.unref();
  });
  const ended = (fenced: boolean): void => {
    deadline.cancel();
    done(fenced);
  };
  child.once('error', () => {
    // Without a pid it never ran, and no end will say so.
    if (child.pid === undefined) ended(false);
  });
  child.once('exit', (code) => ended(code !== null));
}

function octal(char: string): string {
  return `\\0${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
}
