import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What shellcheck says of scripts; null where there is none and none can be had. */
export async function shellFindings(root: string, scripts: readonly string[]): Promise<string[] | null> {
  if (!(await hasShellcheck())) return null;
  if (scripts.length === 0) return [];
  return promisify(execFile)('shellcheck', ['--format=gcc', ...scripts], { cwd: root }).then(
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

async function hasShellcheck(): Promise<boolean> {
  const works = () =>
    promisify(execFile)('shellcheck', ['--version']).then(
      () => true,
      () => false,
    );
  if (await works()) return true;
  // CI begins with a bare Debian, and as root; anywhere else nobody's system is changed.
  if (process.getuid?.() !== 0) return false;
  const install = ['install', '--yes', '--no-install-recommends', '-o', 'Acquire::Retries=0', 'shellcheck'];
  await promisify(execFile)('apt-get', install, { timeout: 60_000 }).catch(() => {});
  return works();
}
