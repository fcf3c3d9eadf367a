import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { FuseMount } from '../support/fuseMount.ts';
import { allEnded } from '../support/processes.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
  type RunRecord,
} from '../support/recordingTranscoder.ts';

const directory = mkdtempSync(join(tmpdir(), 'directory-hangs-'));
let recorder: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  cluster = await Cluster.start({
    workers: ['w1'],
    transcoderDirectory: directory,
    env: { ORCHESTRATOR_AWAY_MS: '1500', ORCHESTRATOR_WAIT_MS: '100', WORKER_SILENCE_MS: '60000' },
  });
});

afterAll(async () => {
  await recorder.endAll();
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

const LOCALLY = 'the hook runs it locally';

/** Without those by which the worker tried it. */
async function runs(): Promise<RunRecord[]> {
  return (await recorder.records()).filter(({ argv }) => argv[0]?.toString() === '-x_behaviour');
}

const obstacle = await FuseMount.obstacle();
if (obstacle !== null) process.stderr.write(`NOT TESTED, a mount that hangs: ${obstacle}\n`);

test.runIf(obstacle === null)(
  'the orchestrator goes, and with it the storage: the relay answers others, and the job goes on once that is back',
  async () => {
    const env = { TRANSCODER_PATH: `${directory}/`, TRANSCODER_LOCAL_NAME: 'Plex Transcoder' };
    const cwd = join(cluster.cwd, 'session');
    mkdirSync(cwd);
    const hook = cluster.startHook(behaviour({ busy: true }), { cwd, env });
    await cluster.orchestrator.logged('job started', { worker: 'w1' });
    const [onWorker] = await runs();
    const mount = await FuseMount.hung(cwd);
    try {
      await cluster.orchestrator.stop('SIGKILL');
      await cluster.relay.logged('taken over: it goes on here once nobody else writes');
      expect((await cluster.runHook(behaviour({ exit: 43 }), { env })).code).toBe(43);
      await cluster.relay.logged(LOCALLY);
      await cluster.relay.logged(
        'the directory of the job does not answer: nobody may write there until it does',
      );
      expect(await runs()).toHaveLength(2);
    } finally {
      mount.remove();
    }
    // A worker that saw the directory all the time would have gone on until now.
    await allEnded([onWorker?.pid ?? 0]);
    await cluster.relay.until(() => cluster.relay.lines(LOCALLY).length === 2);
    process.kill(hook.pid, 'SIGKILL');
    await hook.exited;
  },
);
