import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { HookClient } from '../support/hookClient.ts';
import { behaviour, installRecordingTranscoder } from '../support/recordingTranscoder.ts';

const ADMIN = 'the-admin-token-of-records';
const SECRETS = ['planted-in-argv', 'planted-in-env', ADMIN];
const SESSION = 'http://127.0.0.1:32400/video/:/transcode/session/s1/j1';

const directory = mkdtempSync(join(tmpdir(), 'records-'));
const file = join(directory, 'history.sqlite');
let cluster: Cluster;

beforeAll(async () => {
  await installRecordingTranscoder(directory);
  cluster = await Cluster.start({
    ...{ workers: ['w1'], slots: 2, transcoderDirectory: directory, token: ADMIN },
    env: { HISTORY_PATH: file },
  });
});

afterAll(async () => {
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

async function get(path: string): Promise<{ status: number; type: string; text: string }> {
  const response = await fetch(`${cluster.address}/api/v1/${path}`, {
    headers: { authorization: `Bearer ${ADMIN}` },
  });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text: await response.text(),
  };
}

/** Says its secrets, and fails. */
function failing(loglevel: string): HookClient {
  const said = `decryption_key=${SECRETS[0]} token ${SECRETS[1]}, ${ADMIN}`;
  const argv = [
    ...behaviour({ log: 'first words' }, { log: said }, { exit: 3 }),
    ...['-loglevel', loglevel, '-decryption_key', SECRETS[0] ?? ''],
    ...['-i', join(cluster.directory, 'Film.mkv'), '-progressurl', `${SESSION}/progress`, 'out.mp4'],
  ];
  const client = new HookClient(cluster.socket, {
    argv,
    cwd: cluster.cwd,
    env: { X_PLEX_TOKEN: SECRETS[1] ?? '' },
  });
  client.acknowledgeAll();
  return client;
}

/** Everything that the API says of it. */
async function replies(jobId: string): Promise<{ command: string; stderr: string; all: string }> {
  const paths = ['', '/command', '/stderr'].map((rest) => `jobs/${jobId}${rest}`);
  const [story, command, stderr, ...lists] = await Promise.all([...paths, 'jobs', 'history'].map(get));
  expect(stderr?.type).toBe('text/plain; charset=utf-8');
  const all = [story, command, stderr, ...lists].map((reply) => reply?.text).join('\n');
  return { command: command?.text ?? '', stderr: stderr?.text ?? '', all };
}

test.each([
  ['warning', 'as the hook gets it'],
  ['quiet', 'of which its hook gets nothing'],
])('of a job that failed (%s) command and output are shown, %s, and no secret', async (loglevel) => {
  const job = failing(loglevel);
  expect(await job.verdict).toBe('exit 3');
  const { command, stderr, all } = await replies(job.jobId);
  expect(stderr).toBe('first words\ndecryption_key=[redacted] token [redacted], [redacted]\n');
  const { argv, attempts, isGiven } = JSON.parse(command);
  expect(isGiven).toBe(true);
  expect(argv).toEqual(
    expect.arrayContaining(['-loglevel', loglevel, '-decryption_key', '[redacted]', `${SESSION}/progress`]),
  );
  const changed = attempts[0].difference
    .filter(({ change }: { change: string }) => change !== 'kept')
    .map(({ change, line }: { change: string; line: string[] }) => `${change} ${line.join(' ')}`);
  const address = expect.stringMatching(/^added -progressurl http:.*\/job\/\[redacted\]\/video\//);
  expect(changed).toEqual([
    ...(loglevel === 'quiet' ? ['removed -loglevel quiet', 'added -loglevel error'] : []),
    `removed -progressurl ${SESSION}/progress`,
    address,
  ]);
  for (const secret of SECRETS) expect(all).not.toContain(secret);
});

test('over a restart they are kept, and nothing secret with them', async () => {
  const job = failing('warning');
  expect(await job.verdict).toBe('exit 3');
  const before = await replies(job.jobId);
  // Its worker and its relay tell once more what they changed.
  const live = new HookClient(cluster.socket, {
    argv: [
      ...behaviour({ block: true }),
      '-loglevel',
      'quiet',
      '-progressurl',
      `${SESSION}/progress`,
      'x.mp4',
    ],
    cwd: cluster.cwd,
  });
  await cluster.orchestrator.logged('job started', { jobId: live.jobId });
  const command = async () => (await get(`jobs/${live.jobId}/command`)).text;
  const told = await command();
  expect(told).toContain('"ran":"changed"');
  await cluster.orchestrator.stop();
  await cluster.startOrchestrator();
  expect(await replies(job.jobId)).toEqual({ ...before, all: expect.any(String) });
  await expect.poll(command, { timeout: 10_000 }).toBe(told);
  live.die();
  const bytes = readFileSync(file, 'latin1');
  for (const secret of SECRETS) expect(bytes).not.toContain(secret);
  expect(await get(`jobs/${job.jobId}/stderr?attempt=7`)).toMatchObject({
    status: 404,
    type: 'application/json; charset=utf-8',
  });
  for (const what of ['command', 'stderr']) expect((await get(`jobs/none/${what}`)).status).toBe(404);
});

test('both ask for the token', async () => {
  for (const what of ['command', 'stderr']) {
    expect((await fetch(`${cluster.address}/api/v1/jobs/x/${what}`)).status).toBe(401);
  }
});
