import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { Part } from '../support/part.ts';
import { allEnded } from '../support/processes.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';
import { guardianOf, transcoderOf } from '../support/workerProcesses.ts';

const directory = mkdtempSync(join(tmpdir(), 'worker-killed-'));
let recorder: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  cluster = await Cluster.start({
    workers: ['w1'],
    transcoderDirectory: directory,
    env: { WORKER_RECONNECT_MS: '200' },
  });
});

afterAll(async () => {
  await recorder.endAll();
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

test('a worker dies of SIGKILL: its transcoders go with it, and the job runs again elsewhere', async () => {
  const hook = cluster.startHook(behaviour({ child: 'setsid' }, { log: 'here I am' }, { block: true }));
  await hook.spoke;
  await cluster.startWorker('w2');
  const runs = (await recorder.records()).filter(({ argv }) => String(argv[0]) === '-x_behaviour');
  const first = runs.map(({ pid }) => pid);
  const tree = [...first, ...(await recorder.children())];
  expect(tree).toHaveLength(2);

  const killedAt = performance.now();
  await cluster.workers.get('w1')?.stop('SIGKILL');
  await allEnded(tree);
  expect(performance.now() - killedAt).toBeLessThan(1_000);

  await cluster.orchestrator.logged('job started', { worker: 'w2', attempt: 2 });
  process.kill(hook.pid, 'SIGTERM');
  expect((await hook.exited).code).toBe(143);
});

test('what a worker left behind is ended when it starts again, guardian or not', async () => {
  const worker = await cluster.startWorker('w3');
  const hook = cluster.startHook(behaviour({ log: 'here I am' }, { block: true }));
  await hook.spoke;
  await cluster.orchestrator.until(() =>
    cluster.orchestrator.log.some(({ msg, worker: name }) => msg === 'job started' && name === 'w3'),
  );
  const left = transcoderOf(worker.pid);
  // Nobody is left to end it: guardian first, then, before it can start another, the worker.
  process.kill(worker.pid, 'SIGSTOP');
  process.kill(guardianOf(worker.pid), 'SIGKILL');
  await worker.stop('SIGKILL');
  const again = await cluster.startWorker('w3');
  await allEnded([left]);
  await again.logged('ending a process that an earlier worker left behind');
  process.kill(hook.pid, 'SIGKILL');
  await hook.exited;
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'a worker ends by %s while it tries its transcoder: the trial goes with it',
  async (signal) => {
    const file = join(directory, `pid-${signal}`);
    const hanging = `#!/bin/sh\necho $$ > '${file}.new' && mv '${file}.new' '${file}' && exec sleep 600\n`;
    writeFileSync(join(directory, 'hanging'), hanging, { mode: 0o755 });
    const worker = new Part('worker/main.ts', {
      ...{ ORCHESTRATOR_URL: cluster.address, LISTENING_PORT: '0', WORKER_NAME: `tries-${signal}` },
      ...{ MOUNTS: `${directory}:rw`, TRANSCODER_PATH: directory, TRANSCODER_NAME: 'hanging' },
      STAT_CPU_OPS_DURATION: '0',
    });
    await worker.listening();
    while (!existsSync(file)) await setImmediate();
    const tried = Number(readFileSync(file, 'utf8'));
    await worker.stop(signal);
    await allEnded([tried]);
  },
);

test('a job of which PMS has read stdout is not begun anew: it fails, and PMS decides', async () => {
  const hook = cluster.startHook(behaviour({ output: 1 }, { block: true }));
  await hook.spoke;
  await cluster.startWorker('w4');
  for (const name of ['w2', 'w3']) await cluster.workers.get(name)?.stop('SIGKILL');
  expect(await hook.exited).toMatchObject({ code: 75 });
});
