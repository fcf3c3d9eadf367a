import { readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allEnded } from '../support/processes.ts';
import type { PmsJob } from '../support/retarget.ts';
import {
  countOf,
  DASH,
  inSegmentsOfOneSecond,
  isPaused,
  isProgress,
  names,
  run,
  standInStage,
} from '../support/standInStage.ts';

const stage = standInStage();

test('canThrottle stops the transcode, not its reports, and the transcode goes on without it', async () => {
  stage.pms.throttle = true;
  const child = await stage.pms.spawn(await stage.install(), stage.job(DASH));
  await stage.pms.next(isPaused);
  const [first, second] = [await stage.pms.next(isPaused), await stage.pms.next(isPaused)];
  expect(second.query.get('progress')).toBe(first.query.get('progress'));
  expect(stateOf(ffmpegOf(child.pid))).toBe('T');

  stage.pms.throttle = false;
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(countOf(stage.pms.manifests.at(-1) ?? '')).toBe(stage.seconds / 3);
});

test.each([false, true])(
  'SIGTERM ends it with 255 and a last, static manifest; throttled: %s',
  async (throttle) => {
    const child = await stage.pms.spawn(
      await stage.install(),
      atTheSpeedOfTheFilm(inSegmentsOfOneSecond(stage.job(DASH))),
    );
    await stage.pms.nextManifest();
    stage.pms.throttle = throttle;
    if (throttle) await stage.pms.next(isPaused);
    child.kill('SIGTERM');

    expect(await child.exited).toEqual({ code: 255, signal: null });
    expect(stage.pms.manifests.at(-1)).toContain('type="static"');
  },
);

test('its ffmpeg dies with it on SIGKILL', async () => {
  // Stopped, ffmpeg would never end by itself, and hold our end of stderr open.
  stage.pms.throttle = true;
  const child = await stage.pms.spawn(await stage.install(), atTheSpeedOfTheFilm(stage.job(DASH)));
  await stage.pms.next(isProgress);
  const ffmpeg = ffmpegOf(child.pid);
  while (stateOf(ffmpeg) !== 'T') await stage.pms.next(isProgress);
  child.kill('SIGKILL');

  expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
  await allEnded([ffmpeg]);
});

test('optimised versions, detection and thumbnails are whole files', async () => {
  const path = await stage.install();
  const outputDirectory = join(stage.home, 'outputs');
  await mkdir(outputDirectory, { recursive: true });
  const optimise = stage.job('sp-opt-64729', { outputDirectory });
  const detect = stage.job('sp-det-7174', { outputDirectory, streams: { '0:2': '0:1' } });
  const thumbnails = stage.job('sp-th-119673', { start: 2 });
  for (const each of [optimise, detect, thumbnails]) {
    const child = await stage.pms.spawn(path, each);
    expect(await child.exited).toEqual({ code: 0, signal: null });
  }
  for (const { argv } of [optimise, detect]) {
    expect((await stat(argv.at(-1) ?? '')).size).toBeGreaterThan(10_000);
  }
  expect(await readdir(thumbnails.cwd)).toContain('thumb-00003.jpeg');
});

test('live TV is read from PMS', async () => {
  stage.pms.liveFile = stage.sample;
  const url = `http://127.0.0.1:${stage.pms.port}/livetv/sessions/1/consumer/index.m3u8?X-Plex-Token=${stage.pms.token}`;
  const live = stage.job('plex-is-01', { input: url });
  const child = await stage.pms.spawn(await stage.install(), live);

  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect((await readdir(live.cwd)).sort()).toEqual(names('media-', '.ts', 0, 1));
});

test('a path that is not UTF-8 is read as it is', async () => {
  const directory = await mkdtemp(join(stage.home, 'latin-'));
  await copyFile(
    stage.sample,
    Buffer.concat([Buffer.from(`${directory}/caf`), Buffer.from([0xe9]), Buffer.from('.mkv')]),
  );
  const code = `cd "$1" && exec "$0" -i "$(printf '%s/caf\\351.mkv' "$1")" -map 0:1 -codec:0 flac -f flac out.flac`;
  await run('/bin/sh', ['-c', code, await stage.install(), directory]);

  expect((await readdir(directory)).sort()).toContain('out.flac');
});

test('an input that is missing ends it with 1, and questions about ffmpeg are answered', async () => {
  const path = await stage.install();
  const child = await stage.pms.spawn(path, stage.job(DASH, { input: join(stage.home, 'missing.mkv') }));
  expect(await child.exited).toEqual({ code: 1, signal: null });

  expect((await run(path, ['-version'])).stdout).toMatch(/^ffmpeg version /);
});

/** It does not end before the signal. */
function atTheSpeedOfTheFilm({ argv, ...rest }: PmsJob): PmsJob {
  return { ...rest, argv: argv.toSpliced(argv.indexOf('-i'), 0, '-re') };
}

/** The one process that the stand-in started. */
function ffmpegOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}

/** One letter, as in ps. */
function stateOf(pid: number): string | undefined {
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
}
