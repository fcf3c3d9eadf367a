import { spawnSync } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Call, type Command } from '../../../cli/command.ts';
import { COMMANDS } from '../../../cli/commands.ts';
import { helpOf, overview, PARTS } from '../../../cli/help.ts';
import { Output } from '../../../cli/output.ts';
import { run } from '../../../cli/run.ts';

function named(name: string): Command {
  const command = COMMANDS.find((each) => each.name === name);
  if (!command) throw new Error(`no command ${name}`);
  return command;
}

function call(name: string, words: string[], values: Record<string, unknown> = {}): Call {
  return new Call(named(name), new Output(process.stdout), values, words);
}

test.each(COMMANDS.map((command) => [command.name, command] as const))(
  '%s has help with examples of itself',
  (name, command) => {
    const help = helpOf(command);
    expect(help).toMatch(new RegExp(`^clusterplex ${name} `));
    expect(help).toContain('--json');
    expect(command.examples.join('\n')).toContain(`clusterplex ${name}`);
    expect(overview(COMMANDS)).toContain(`  ${name} `);
    expect(overview(COMMANDS)).toContain('\n  drain NAME ');
  },
);

test.each([
  ['workers', ['w1'], {}, 'clusterplex workers: "w1" is one word too many'],
  ['drain', [], {}, 'clusterplex drain: the worker’s name is missing'],
  [
    'job',
    ['x'],
    { command: true, stderr: true },
    'clusterplex job: --command and --stderr are two questions',
  ],
  ['job', ['x'], { attempt: '1' }, 'clusterplex job: --attempt goes with --stderr'],
  ['cancel', [], {}, 'clusterplex cancel: the job’s id is missing'],
  [
    'jobs',
    [],
    { state: 'done' },
    'clusterplex jobs: --state is wrong: "done" is none of queued, running, ended',
  ],
  ['scale', ['up'], {}, 'clusterplex scale: "up" is none of show, set, burst'],
  ['scale', ['set'], {}, 'clusterplex scale: set needs --minimum, --maximum or --desired'],
  ['scale', ['set'], { minimum: '-1' }, 'clusterplex scale: --minimum is wrong: "-1" is not a whole number'],
  ['scale', [], { minimum: '1' }, 'clusterplex scale: --minimum, --maximum and --desired go with set'],
  ['scale', ['burst', '3'], {}, 'clusterplex scale: burst takes WORKERS and MINUTES'],
  ['completion', ['tcsh'], {}, 'clusterplex completion: "tcsh" is none of bash, zsh, fish'],
])('%s %j %j is wrong usage', async (name, words, values, message) => {
  const run = async (): Promise<unknown> => named(name).run(call(name, words, values));
  await expect(run()).rejects.toMatchObject({ message, exitCode: 2, hint: `see clusterplex ${name} --help` });
});

test('bash completes commands, and the options of each', () => {
  const lines: string[] = [];
  class Kept extends Output {
    override line(...cells: readonly unknown[]): void {
      lines.push(cells.join(''));
    }
  }
  const completion = named('completion');
  void completion.run(new Call(completion, new Kept(process.stdout), {}, ['bash']));
  const complete = (...words: string[]): string[] => {
    const typed = words.map((word) => `'${word}'`).join(' ');
    const ask = `COMP_WORDS=(${typed}); COMP_CWORD=${words.length - 1}; _clusterplex; echo "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync('bash', ['-c', [...lines, ask].join('\n')], { encoding: 'utf8' });
    return stdout.trim().split(' ');
  };
  expect(complete('clusterplex', '')).toEqual([...COMMANDS, ...PARTS].map(({ name }) => name));
  expect(complete('clusterplex', 'und')).toEqual(['undrain']);
  expect(complete('clusterplex', 'job', '--')).toEqual(expect.arrayContaining(['--command', '--stderr']));
  expect(complete('clusterplex', 'scale', '--m')).toEqual(['--minimum', '--maximum']);
});

test.each([
  ['wroker', 'worker'],
  ['drian', 'drain'],
  ['status-', 'status'],
  ['work', 'workers or worker'],
  ['dfs', 'dfs-probe or dfs-mount'],
])('%s is near to %s', async (word, near) => {
  const said = new PassThrough();
  const code = await run([word], new Output(process.stdout), new Output(said));
  expect(code).toBe(2);
  expect(String(said.read())).toContain(`there is no command "${word}"; did you mean ${near}?\n`);
});

test('help may be asked for before the command, too', async () => {
  const said = new PassThrough();
  expect(await run(['help', 'drain'], new Output(said), new Output(process.stderr))).toBe(0);
  expect(String(said.read())).toBe(helpOf(named('drain')));
});
