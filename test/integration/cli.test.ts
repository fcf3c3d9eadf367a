import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VERSION } from '#shared/version.ts';
import { type CliExit, CliProcess, clusterplex, runHere } from '../support/cli.ts';
import { Cluster } from '../support/cluster.ts';
import { HookClient } from '../support/hookClient.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

const TOKEN = 'a-token-that-nobody-may-see';
const directory = mkdtempSync(join(tmpdir(), 'cli-'));
let recorder: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  cluster = await Cluster.start({
    workers: ['w1'],
    slots: 1,
    transcoderDirectory: directory,
    token: TOKEN,
    // So that what has ended is only found where it is kept.
    env: { HISTORY_SIZE: '1', HISTORY_PATH: join(directory, 'history.sqlite') },
  });
});

afterAll(async () => {
  await recorder.endAll();
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

function settings(): Record<string, string> {
  return { ORCHESTRATOR_URL: cluster.address, CLUSTERPLEX_TOKEN: TOKEN };
}

function run(...args: readonly string[]): Promise<CliExit> {
  return runHere(args, settings());
}

async function json(...args: readonly string[]): Promise<unknown> {
  return JSON.parse((await run(...args, '--json')).stdout);
}

function hook(): HookClient {
  return new HookClient(cluster.socket, { argv: behaviour({ block: true }), cwd: cluster.cwd });
}

test('a job from its queue to its end, as tables and as JSON', async () => {
  const running = hook();
  await cluster.orchestrator.logged('job started', { jobId: running.jobId });
  const waiting = hook();
  await cluster.orchestrator.logged('job queued', { jobId: waiting.jobId });
  const status = await clusterplex(['status'], settings());
  const listed = await run('jobs');
  const queued = await json('jobs', '--state', 'queued');
  const workers = await run('workers');
  expect(status).toMatchObject({ code: 0, stderr: '' });
  expect(status.stdout).toMatch(
    /relays +\S+\nworkers +1 ready\nslots +1 of 1 in use on ready workers\njobs +1 running, 1 queued\n/,
  );
  expect(status.stdout).toMatch(/\nended since its start +0\nscale +not set\n/);
  // What runs first.
  expect(listed.stdout.indexOf(' running ')).toBeLessThan(listed.stdout.indexOf(' queued '));
  expect(status.stdout).toMatch(/job \w{8} +queued +.*: all 1 slots of 1 workers are taken/);
  expect(listed.stdout).toMatch(new RegExp(`\n${running.jobId.slice(0, 8)} +running +\\w+ +w1 +1 `));
  expect(listed.stdout).toMatch(/queued .*all 1 slots of 1 workers are taken/);
  // Colours are for terminals.
  expect(status.stdout + listed.stdout).not.toContain('\x1b');
  expect(queued).toEqual([expect.objectContaining({ jobId: waiting.jobId })]);
  expect(workers.stdout).toMatch(/\nw1 +ready +\S+ +\S+ +1\/1 /);

  const short = running.jobId.slice(0, 13);
  expect(await run('cancel', short)).toEqual({
    code: 0,
    stdout: `${running.jobId} is being cancelled\n`,
    stderr: '',
  });
  await cluster.orchestrator.logged('job ended', { jobId: running.jobId });
  const story = await run('job', short);
  expect(story.stdout).toMatch(/\nstate +(cancelled|failed)\n/);
  expect(story.stdout).toMatch(/\nworker +w1, in software\n/);
  expect(story.stdout).toMatch(/\n1 +w1 +in software +\d\d:\d\d:\d\d +cancelled, died of SIG\w+/);
  expect(story.stdout).toMatch(
    /\n\d\d:\d\d:\d\d +0\.000s +submitted .*\n(.*\n)*\d\d:\d\d:\d\d +\d+\.\d{3}s +ended /,
  );
  expect((await run('job', short, '--command')).stdout).toMatch(
    /^-x_behaviour block=\S*\n\nattempt 1 on w1: as given\n$/,
  );
  expect(await json('job', short, '--command')).toMatchObject({ attempts: [{ ran: 'as-given' }] });
  expect(await run('job', short, '--stderr')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await run('job', short, '--stderr', '--attempt', '7')).toMatchObject({
    code: 1,
    stderr: `it has no attempt 7\n(clusterplex job ${running.jobId} lists them)\n`,
  });
  expect(await run('cancel', short)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^the job has ended: .*\n\(clusterplex job \S+ tells its story\)\n$/),
  });
  waiting.die();
});

test('versions, also where no orchestrator can be reached', async () => {
  const own = `clusterplex ${VERSION}, protocol clusterplex.v1\n`;
  expect(await run('--version')).toEqual({ code: 0, stdout: own, stderr: '' });
  expect((await run('version')).stdout).toBe(`${own}orchestrator ${VERSION}, at ${cluster.address}\n`);
  expect(await json('version')).toMatchObject({ version: VERSION, orchestrator: { version: VERSION } });
  const alone = await runHere(['version'], { ORCHESTRATOR_URL: 'http://127.0.0.1:9' });
  expect(alone).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(`^${own}the orchestrator at .* can't be`),
  });
});

test('drain and undrain', async () => {
  expect((await run('drain', 'w1')).stdout).toMatch(/^w1 is draining and runs \d\n$/);
  const status = (await run('status')).stdout;
  expect(status).toMatch(/\nslots +0 of 0 in use .*\n/);
  expect(status).toMatch(/\nworker w1 +draining +somebody drained it: clusterplex undrain gives/);
  expect((await run('undrain', 'w1')).stdout).toMatch(/^w1 is ready and runs \d\n$/);
  expect(await run('drain', 'w9')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'no worker is called w9\n(clusterplex workers lists them)\n',
  });
});

test('scale', async () => {
  expect((await run('scale')).stdout).toMatch(/\ndefault +1 +- +not set .*\nNo scale is set/);
  expect(await json('scale', 'set', '--minimum', '2', '--maximum', '5')).toMatchObject({
    minimum: 2,
    maximum: 5,
  });
  expect(await json('scale', 'burst', '4', '0.5')).toMatchObject({ bursts: [{ workers: 4 }] });
  expect((await run('scale')).stdout).toMatch(
    /\ndefault +1 +4 +burst +2 +5 +nobody +4 until 20\S+ +3 too few\n/,
  );
  expect((await run('scale', '--group', 'default')).stdout).toContain('until the spec file changes');
  expect(await run('scale', 'burst', '1', '1', '--group', 'gpu')).toMatchObject({
    code: 1,
    stderr: 'no group is called gpu\n(there are: default)\n',
  });
});

test('what happens, a line each, and as a list that is drawn again', async () => {
  const following = new CliProcess(['logs'], settings());
  const watching = new CliProcess(['jobs', '--watch'], settings());
  await watching.said(/^ID +STATE/);
  await following.said(/ worker w1: ready, \d\/1$/);
  const client = hook();
  await following.said(new RegExp(` job ${client.jobId.slice(0, 8)}: running on w1, attempt 1 `));
  await watching.said(new RegExp(`^${client.jobId.slice(0, 8)} +running `));
  client.die();
  await following.said(new RegExp(` job ${client.jobId.slice(0, 8)}: cancelled`));
  await Promise.all([following.stop(), watching.stop()]);
});

test('what is no longer in memory', async () => {
  for (let jobs = 0; jobs < 2; jobs += 1) {
    const client = hook();
    await cluster.orchestrator.logged('job started', { jobId: client.jobId });
    client.die();
    await cluster.orchestrator.logged('job ended', { jobId: client.jobId });
  }
  const [first = ''] = cluster.orchestrator
    .lines('job ended')
    .slice(-2)
    .map(({ jobId }) => String(jobId));
  await expect
    .poll(() => json('history', '--search', first))
    .toMatchObject({ jobs: [{ jobId: first }], next: null });
  expect(await json('jobs', '--all')).not.toContainEqual(expect.objectContaining({ jobId: first }));
  expect(await json('job', first.slice(0, 13))).toMatchObject({ jobId: first, state: 'ended' });
  expect((await run('history', '--limit', '1')).stdout).toMatch(
    /\n\w{8} +cancelled .*\nmore: --before \S+\n$/,
  );
});

const MISTAKES: readonly [string, string[], Record<string, string>, number, RegExp][] = [
  [
    'no orchestrator',
    ['jobs'],
    { ORCHESTRATOR_URL: 'http://127.0.0.1:9' },
    69,
    /can't be reached: .*\n\(start it/,
  ],
  [
    'a wrong token',
    ['jobs'],
    { CLUSTERPLEX_TOKEN: 'wrong' },
    2,
    /refuses: CLUSTERPLEX_TOKEN is not its admin token\n\(set CLUSTERPLEX_ADMIN_TOKEN to /,
  ],
  [
    'a wrong token besides the right one',
    ['workers'],
    { CLUSTERPLEX_ADMIN_TOKEN: 'wrong' },
    2,
    /refuses: CLUSTERPLEX_ADMIN_TOKEN is not its admin token\n/,
  ],
  ['no token', ['jobs'], { CLUSTERPLEX_TOKEN: '' }, 2, /refuses: no token is set here\n/],
  [
    'a page that is too long',
    ['history', '--limit', '500'],
    {},
    2,
    /^limit must be <= 200\n\(see the --help of the command;/,
  ],
  [
    'a wrong setting',
    ['jobs'],
    { ORCHESTRATOR_URL: 'x' },
    2,
    /^ORCHESTRATOR_URL is wrong: "x" is not an http/,
  ],
  [
    'what the API refuses',
    ['scale', 'set', '--minimum', '7', '--maximum', '3'],
    {},
    2,
    /^minimum 7 is more than maximum 3\n\(what holds is minimum ≤ desired ≤ maximum\)\n$/,
  ],
  [
    'an unknown command',
    ['job-s'],
    {},
    2,
    /^there is no command "job-s"; did you mean jobs\?\n\(clusterplex --help lists them\)\n$/,
  ],
  [
    'an unknown option',
    ['jobs', '--al'],
    {},
    2,
    /^Unknown option '--al'\n\(see clusterplex jobs --help\)\n$/,
  ],
  ['no such job', ['job', 'nope'], {}, 1, /^no job's id begins with nope\n\(clusterplex jobs --all and/],
];

test('of what went wrong it says what was wrong and what to do', async () => {
  for (const [what, args, env, code, said] of MISTAKES) {
    const exit = await runHere(args, { ...settings(), ...env });
    expect({ what, ...exit }).toEqual({ what, code, stdout: '', stderr: expect.stringMatching(said) });
    expect(exit.stderr).not.toContain(TOKEN);
  }
});

test('it starts the parts, and ends as they end', async () => {
  const worker = await clusterplex(['worker', 'now'], settings());
  expect(worker).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^unknown argument now: settings are/),
  });
  const { code, stdout } = await clusterplex(['bench', '--help'], {});
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^npm run bench -- .*\n\nNAME +\w+, /)]);
});
