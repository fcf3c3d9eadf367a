import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DebianProgram } from './debianProgram.ts';

const SHELLCHECK = new DebianProgram('shellcheck', 'shellcheck');

/** What shellcheck says of scripts; null where there is none and none can be had. */
export async function shellFindings(root: string, scripts: readonly string[]): Promise<string[] | null> {
  // What can't be installed is missing, and the check says so.
  const program = SHELLCHECK.obstacle === null ? await SHELLCHECK.path().catch(() => null) : null;
  if (program === null) return null;
  if (scripts.length === 0) return [];
  return promisify(execFile)(program, ['--format=gcc', ...scripts], { cwd: root }).then(
    () => [],
    (error: unknown) => {
      const stdout = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
      if (!stdout) throw error;
      return stdout.trim().split('\n');
    },
  );
}

/** Whether a file is one: by its name, or by its first line. */
export function isShellScript(path: string, text: string): boolean {
  return /\.(sh|bash)$/.test(path) || /^#!.*\b(ba|da)?sh\b/.test(text);
}
