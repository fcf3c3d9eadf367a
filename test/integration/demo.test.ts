import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { allEnded } from '../support/processes.ts';
import { makeSample } from '../support/sample.ts';

const DEMO = fileURLToPath(new URL('../support/demo.ts', import.meta.url));

/** Where the demo makes its directory. */
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'demo-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function environment(): NodeJS.ProcessEnv {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', TMPDIR: directory };
}

test.each([
  [['--speed'], "Unknown option '--speed' (see npm run demo -- --help)"],
  [['a.mkv', 'b.mkv'], "One film is enough: 'b.mkv' is too many (see npm run demo -- --help)"],
  [['/nowhere.mkv'], 'there is no /nowhere.mkv'],
  [['/etc'], '/etc is a directory (name a film)'],
  [['/etc/passwd'], '/etc/passwd is not a film that ffprobe can read'],
])('%j is refused in one line, and nothing stays', (argv, message) => {
  const options = { env: environment(), encoding: 'utf8', timeout: 20_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [DEMO, ...argv], options);
  expect({ status, stdout, stderr }).toEqual({ status: 2, stdout: `${message}\n`, stderr: '' });
  expect(readdirSync(directory)).toEqual([]);
});

test('--help says how it is called', () => {
  const { status, stdout } = spawnSync(process.execPath, [DEMO, '--help'], { env: environment() });
  expect({ status, line: stdout.toString().split('\n')[0] }).toEqual({
    status: 0,
    line: 'npm run demo -- [FILE] [--keep]',
  });
});

test.each([
  ['SIGINT', 'making', 130],
  ['SIGTERM', 'dashboard', 143],
  ['SIGHUP', 'PMS starts', 129],
] as const)('%s ends it and everything it started, at "%s …"', async (signal, line, code) => {
  const demo = spawn(process.execPath, [DEMO], { env: environment() });
  const output = text(demo.stdout);
  await said(demo, line);
  const children = childrenOf(demo);
  demo.kill(signal);
  expect(await once(demo, 'exit')).toEqual([code, null]);
  expect(await output).toMatch(/\nstopped\n$/);
  await allEnded(children);
  expect(readdirSync(directory)).toEqual([]);
});

test('through npm, too: its shell does not stand between', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  // biome-ignore lint/style/noProcessEnv: npm is wherever the machine has it
  const env = { ...process.env, TMPDIR: directory };
  const npm = spawn('npm', ['run', 'demo'], { cwd: root, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const output = text(npm.stdout);
  await said(npm, 'making');
  npm.kill('SIGTERM');
  // Ends when whoever could write has ended.
  expect(await output).toMatch(/\nstopped\n$/);
});

test('its segments stay, and it says where; the parts go on only with --keep', async () => {
  const film = join(directory, 'film.mkv');
  await makeSample(film, { seconds: 3, width: 320, height: 180 });
  const demo = spawn(process.execPath, [DEMO, film, '--keep'], { env: environment() });
  const output = text(demo.stdout);
  await said(demo, 'serving on');
  demo.kill('SIGINT');
  expect(await once(demo, 'exit')).toEqual([0, null]);
  const kept = /^kept +(\S+); remove (\S+) when/m.exec(await output);
  expect(readdirSync(kept?.[1] ?? '')).toContain('media-00000.ts');
  expect(kept?.[2]).toMatch(new RegExp(`^${directory}/clusterplex-demo-`));
});

async function said(demo: ChildProcess, start: string): Promise<void> {
  if (!demo.stdout) throw new Error('no pipe');
  for await (const line of createInterface(demo.stdout)) if (line.startsWith(start)) return;
  throw new Error(`it never said ${start}`);
}

function childrenOf({ pid }: ChildProcess): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}
