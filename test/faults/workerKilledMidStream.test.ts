import { afterAll, beforeAll, expect, test } from 'vitest';
import { STREAM_KINDS } from '../support/stream.ts';
import { StreamStage } from '../support/streamStage.ts';

let stage: StreamStage;

beforeAll(async () => {
  stage = await StreamStage.start({ seconds: 20, env: { WORKER_RECONNECT_MS: '300' } });
}, 120_000);

afterAll(() => stage.stop());

test.each(STREAM_KINDS)(
  '$name: the next attempt goes on where the first was, and PMS sees one',
  async (kind) => {
    const { cluster, pms, seconds } = stage;
    const stream = await stage.play(kind);
    await stream.announced(3);
    // So that it is still in the middle when it dies.
    pms.throttle = true;
    const { worker, jobId } = await stream.running();
    const killedAt = performance.now();
    await cluster.workers.get(worker)?.stop('SIGKILL');
    const restarted = cluster.startWorker(`${worker}-again`);
    await cluster.orchestrator.logged('job started', { jobId, attempt: 2 });
    expect(performance.now() - killedAt).toBeLessThan(3_000);
    pms.throttle = false;
    await restarted;
    expect(await stream.exited).toEqual({ code: 0, signal: null });
    expect(await stream.story()).toMatch(/goes on at segment [1-9]/);
    expect(stream.missing).toEqual([]);
    expect(await stream.gaps(seconds)).toEqual([]);
  },
);
