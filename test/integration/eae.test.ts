import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as until } from 'node:timers/promises';
import { describe, expect, vi } from 'vitest';
import { converted, eaeCheck, metric, test } from '../support/eaeStage.ts';

// Licences take their seconds to end.
vi.setConfig({ testTimeout: 60_000 });

const NOT_THERE = 'none of the 1 workers may take it: w1: it has no EasyAudioEncoder for eac3_eae';

describe.concurrent('EasyAudioEncoder', () => {
  test('is there for a job that needs it, fetched and licensed; all such jobs share it, and it ends with the last', async ({
    stage,
  }) => {
    const worker = await stage.worker();
    const { searchParams } = new URL(stage.service.asked[0] ?? '', stage.service.url);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      build: 'linux-x86_64-standard',
      deviceId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      oldestPreviousVersion: '1.41.3.9314-a0bfb8370',
      version: '2001',
    });
    const { ok, message, ready } = await eaeCheck(worker);
    expect({ ok, ready }).toEqual({ ok: true, ready: true });
    expect(message).toMatch(/^licensed until 20/);
    const endsAt = Number(await metric(worker, 'clusterplex_eae_licence_end_seconds')) * 1_000;
    expect((endsAt - Date.now()) / 86_400_000).toBeCloseTo(365, 0);
    // It was tried, and runs no more.
    await stage.runsNoMore();

    const jobs = await Promise.all([stage.job(), stage.job()]);
    const first = await stage.runs();
    const roots = await stage.roots();
    expect([roots.length, new Set(roots).size, stage.running.length]).toEqual([2, 1, 1]);
    expect(await metric(worker, 'clusterplex_eae_running')).toBe('1');
    const [root = ''] = roots;
    await converted(root);

    // It dies: another takes its place, in the same directory.
    process.kill(first, 'SIGKILL');
    await stage.runs(first);

    for (const { pid } of jobs) process.kill(pid, 'SIGKILL');
    await stage.runsNoMore();
    expect(existsSync(root)).toBe(false);
    expect((await eaeCheck(worker)).ok).toBe(true);
  });

  test('never outlives its worker, and the next one fetches nothing', async ({ stage }) => {
    const worker = await stage.worker();
    const hook = await stage.job();
    await stage.runs();
    worker.child.kill('SIGKILL');
    await worker.exited;
    await stage.runsNoMore();
    process.kill(hook.pid, 'SIGKILL');
    stage.service.down = true;
    const asked = stage.service.asked.length;
    await stage.worker();
    expect(stage.service.asked).toHaveLength(asked);
  });

  test('is one each for workers that share a volume', async ({ stage }) => {
    await Promise.all([stage.worker('w1'), stage.worker('w2')]);
    const devices = ['w1', 'w2'].map((name) =>
      readFileSync(join(stage.volume.directory, `eae-${name}/device-id`), 'utf8'),
    );
    expect(new Set(devices).size).toBe(2);
    expect([stage.starts('w1'), stage.starts('w2')]).toEqual([1, 1]);
  });

  test('has its licence renewed before that ends, and serves jobs beyond the end of the old one', async ({
    stage,
  }) => {
    stage.service.grant = 5;
    const worker = await stage.worker();
    const endsAt = Number(await metric(worker, 'clusterplex_eae_licence_end_seconds')) * 1_000;
    stage.service.grant = 'lifetime';
    await stage.job();
    await worker.logged('EasyAudioEncoder has a licence', { endsAt: null });
    expect(await eaeCheck(worker)).toEqual({ ok: true, message: 'licensed', ready: true });
    expect(await metric(worker, 'clusterplex_eae_licence_end_seconds')).toBeUndefined();
    await until(endsAt - Date.now());
    const [root = ''] = await stage.roots();
    await converted(root);
    expect(stage.running).toHaveLength(1);
    expect(worker.log.filter(({ msg }) => /is not (usable|running)/.test(String(msg)))).toEqual([]);
  });

  test('is not there once its licence ended and can’t be renewed: other jobs run', async ({ stage }) => {
    stage.service.grant = 5;
    const worker = await stage.worker();
    stage.service.down = true;
    await worker.logged('EasyAudioEncoder is not usable');
    const { ok, message, ready } = await eaeCheck(worker);
    expect({ ok, ready }).toEqual({ ok: false, ready: true });
    expect(message).toMatch(/^its licence ended at 20.*: http.*: 127\.0\.0\.1:\d+ answered 503$/);
    expect(await metric(worker, 'clusterplex_eae_available')).toBe('0');
    expect(await stage.local()).toBe(NOT_THERE);
    expect(worker.lines('transcoder started')).toEqual([]);
    expect((await stage.cluster.runHook(['-version'])).code).toBe(0);
  });

  test('is found out by trial to accept no such licence', async ({ stage }) => {
    stage.service.grant = 'forged';
    const worker = await stage.worker('w1', false);
    expect((await eaeCheck(worker)).message).toBe('it ends at once: License has expired.');
  });

  test('is not unpacked from an archive that is not what was announced', async ({ stage }) => {
    stage.service.tampered = true;
    const worker = await stage.worker('w1', false);
    expect((await eaeCheck(worker)).message).toMatch(
      /^it is not there: the archive .* its SHA-1 is [0-9a-f]{40}$/,
    );
    expect(readdirSync(join(stage.volume.directory, 'eae-w1'))).toEqual(['device-id']);
  });

  test('is not even fetched with EAE_SUPPORT=0, and no worker takes jobs that need it', async ({ stage }) => {
    const worker = await stage.cluster.startWorker('w1', { EAE_SUPPORT: '0' });
    expect(await stage.local()).toBe(NOT_THERE);
    expect(worker.lines('transcoder started')).toEqual([]);
    expect(stage.service.asked).toEqual([]);
    expect(await eaeCheck(worker)).toEqual({ ok: true, message: null, ready: true });
  });
});
