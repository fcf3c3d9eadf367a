import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FuseMount } from '../support/fuseMount.ts';
import { allEnded } from '../support/processes.ts';
import { DASH_STREAM } from '../support/streamKinds.ts';
import { StreamStage } from '../support/streamStage.ts';
import { processesOfAttempt } from '../support/workerProcesses.ts';

const obstacle = await FuseMount.obstacle();
if (obstacle !== null) process.stderr.write(`NOT TESTED, a file server that fails over: ${obstacle}\n`);

describe.runIf(obstacle === null)('the file server hangs in the middle of a film', () => {
  let stage: StreamStage;
  const mounts: FuseMount[] = [];

  beforeAll(async () => {
    // Long enough that ffmpeg has not read all of it when its server hangs.
    stage = await StreamStage.start({ seconds: 30, env: { STALL_MS: '10000' } });
    copyFileSync(join(stage.media, 'film.mkv'), join(stage.directory, 'film.mkv'));
  }, 120_000);

  async function mountMedia(): Promise<FuseMount> {
    const mount = await FuseMount.healthy(stage.media, join(stage.directory, 'film.mkv'), 'film.mkv');
    mounts.push(mount);
    return mount;
  }

  afterEach(() => {
    stage.pms.throttle = false;
    for (const mount of mounts.splice(0).reverse()) mount.remove();
  });

  afterAll(() => stage.stop());

  test('what stood still is killed, and another attempt goes on once the mount is green', async () => {
    const { cluster, pms } = stage;
    const mount = await mountMedia();
    const stream = await stage.play(DASH_STREAM);
    await stream.announced(3);
    pms.throttle = true;
    const { jobId } = await stream.running();
    const first = processesOfAttempt(jobId, 1);
    const since = performance.now();
    mount.hang();
    pms.throttle = false;
    await cluster.orchestrator.logged('job attempt-ended', { jobId, attempt: 1 });
    mount.comeBack();
    await cluster.orchestrator.logged('job started', { jobId, attempt: 2 });
    expect(performance.now() - since).toBeLessThan(30_000);
    await allEnded(first);
    expect(await stream.exited).toEqual({ code: 0, signal: null });
    expect(await stream.story()).toMatch(/goes on at segment [1-9]/);
    expect(await stream.problems(stage.seconds)).toEqual([]);
  }, 120_000);

  test('who reads from what was mounted before is ended, though it answers, and another attempt goes on', async () => {
    const { cluster, pms } = stage;
    await mountMedia();
    const stream = await stage.play(DASH_STREAM);
    await stream.announced(3);
    pms.throttle = true;
    const { jobId } = await stream.running();
    const first = processesOfAttempt(jobId, 1);
    await mountMedia();
    await cluster.orchestrator.logged('job attempt-ended', { jobId, attempt: 1 });
    await cluster.orchestrator.logged('job started', { jobId, attempt: 2 });
    await allEnded(first);
    pms.throttle = false;
    expect(await stream.exited).toEqual({ code: 0, signal: null });
    const story = await stream.story();
    expect(story).toContain(`something else is mounted at ${stage.media} now`);
    expect(story).toMatch(/goes on at segment [1-9]/);
    expect(await stream.problems(stage.seconds)).toEqual([]);
  }, 120_000);
});
