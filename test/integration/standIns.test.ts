import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bundledFfmpeg, systemFfmpeg } from '../support/ffmpeg.ts';
import {
  countOf,
  DASH,
  HLS,
  inSegmentsOfOneSecond,
  isProgress,
  manifestStart,
  names,
  rowsOf,
  standInStage,
} from '../support/standInStage.ts';

const stage = standInStage();

const tools = { system: systemFfmpeg(), npm: bundledFfmpeg() };

const origins = (['system', 'npm'] as const).filter((origin) => tools[origin] !== null);

describe.each(origins)('with the ffmpeg of %s', (origin) => {
  const found = tools[origin];
  const installed = (): Promise<string> => stage.install(found ? { tools: found } : {});

  test('a DASH command leaves the segments that its manifests list, and ends with a static one', async () => {
    const dash = stage.job(DASH);
    const missing: string[] = [];
    stage.pms.onRequest(({ call, body }) => {
      if (call !== 'manifest') return;
      const last = Number(manifestStart(body)[0]) + countOf(body) - 1;
      for (const name of names('chunk-stream0-', '.m4s', 1, last)) {
        if (!existsSync(join(dash.cwd, name))) missing.push(name);
      }
    });
    const child = await stage.pms.spawn(await installed(), dash);

    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(missing).toEqual([]);
    const video = ['init-stream0.m4s', ...names('chunk-stream0-', '.m4s', 1, stage.seconds / 3)];
    const audio = ['init-stream1.m4s', ...names('chunk-stream1-', '.m4s', 1, stage.seconds / 3)];
    expect((await readdir(dash.cwd)).sort()).toEqual([...video, ...audio].sort());
    expect(
      Math.abs((await stage.lengthOf(video.map((name) => join(dash.cwd, name)))) - stage.seconds),
    ).toBeLessThan(3);

    const manifests = stage.pms.manifests;
    expect(manifests.map(countOf)).toEqual([1, 2, 3, 4]);
    expect(manifests.map((manifest) => manifest.includes('type="static"')).indexOf(true)).toBe(3);
    expect(manifests.at(-1)).toContain(`mediaPresentationDuration="PT${stage.seconds}.`);
    expect(manifests.slice(0, -1).join()).not.toContain('mediaPresentationDuration');
    expect(manifests.flatMap(manifestStart)).toEqual(Array.from({ length: 8 }, () => '1'));
  });

  test('a seek numbers DASH segments from -skip_to_segment and keeps the time of the source', async () => {
    const dash = stage.job(DASH, { start: 6 });
    const child = await stage.pms.spawn(await installed(), dash);

    expect(await child.exited).toEqual({ code: 0, signal: null });
    const chunks = (await readdir(dash.cwd)).filter((name) => name.startsWith('chunk-stream0')).sort();
    expect(chunks).toEqual(names('chunk-stream0-', '.m4s', 3, 4));
    const [timescale = 0, first = 0] = [/timescale="(\d+)"/, /<S t="(\d+)"/].map((pattern) =>
      Number(pattern.exec(stage.pms.manifests[0] ?? '')?.[1]),
    );
    expect(first / timescale).toBeCloseTo(6, 1);
    expect(manifestStart(stage.pms.manifests.at(-1) ?? '')).toEqual(['3', '3']);
    const percents = stage.pms.requests.filter(isProgress).map(({ query }) => Number(query.get('progress')));
    expect(Math.min(...percents)).toBeGreaterThanOrEqual(49);
    expect(percents.at(-1)).toBeGreaterThan(95);
  });

  test('an HLS command with burned subtitles leaves MPEG-TS segments and posts a row for each', async () => {
    const hls = stage.job(HLS);
    const child = await stage.pms.spawn(await installed(), hls);

    expect(await child.exited).toEqual({ code: 0, signal: null });
    const segments = names('media-', '.ts', 0, stage.seconds - 1);
    expect((await readdir(hls.cwd)).sort()).toEqual(segments);
    expect(
      Math.abs((await stage.lengthOf(segments.map((name) => join(hls.cwd, name)))) - stage.seconds),
    ).toBeLessThan(1);
    expect(stage.pms.manifests.map((list) => rowsOf(list).length)).toEqual(
      segments.map((_, index) => index + 1),
    );
    expect(rowsOf(stage.pms.manifests.at(-1))).toEqual(segments.map((name, index) => [name, index]));
  });

  test('after a seek, the list of an HLS command has the numbers and the times of the whole', async () => {
    const child = await stage.pms.spawn(await installed(), stage.job(HLS, { start: 8 }));

    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(rowsOf(stage.pms.manifests.at(-1))).toEqual(
      names('media-', '.ts', 8, 11).map((name, index) => [name, 8 + index]),
    );
  });

  test('Matroska segments play behind their header file', async () => {
    const hls = stage.job('sp-ph-e35f3848');
    const child = await stage.pms.spawn(await installed(), hls);

    expect(await child.exited).toEqual({ code: 0, signal: null });
    const files = ['header', ...names('media-', '.ts', 0, 1)];
    expect((await readdir(hls.cwd)).sort()).toEqual(files);
    expect(
      Math.abs((await stage.lengthOf(files.map((name) => join(hls.cwd, name)))) - stage.seconds),
    ).toBeLessThan(1);
    expect(stage.pms.manifests[0]).toMatch(/^media-00000\.ts,0\.000000(,[\d.]+){3}\n#media-00001\.ts,/);
    expect(stage.pms.manifests.at(-1)).not.toContain('#');
  });
});

test('the callbacks come in the order of the genuine ones, and PMS accepts each', async () => {
  const child = await stage.pms.spawn(await stage.install(), stage.job(DASH));
  await child.exited;

  const calls = stage.pms.requests.map(
    ({ method, call, query }) => `${method} ${call} ${[...query.keys()][0]}`,
  );
  expect(calls.slice(0, 8)).toEqual([
    'PUT progress status',
    'PUT progress/stream index',
    'PUT progress/stream index',
    'PUT progress/streamDetail index',
    'PUT progress/streamDetail index',
    'PUT progress duration',
    'PUT progress width',
    'PUT progress progress',
  ]);
  expect(calls.at(-2)).toContain('POST manifest');
  expect(calls.at(-1)).toBe('PUT progress progress');
  expect(stage.pms.requests.map(({ status }) => status)).toEqual([204, ...calls.slice(1).map(() => 200)]);
});

test('with listing `window`, manifests list the last five segments and their number moves on', async () => {
  const child = await stage.pms.spawn(
    await stage.install({ listing: 'window' }),
    inSegmentsOfOneSecond(stage.job(DASH)),
  );

  expect((await child.exited).code).toBe(0);
  expect(stage.pms.manifests.map(countOf)).toEqual([1, 2, 3, 4, ...Array.from({ length: 8 }, () => 5)]);
  const starts = stage.pms.manifests.map((manifest) => manifestStart(manifest)[0]);
  expect(starts.join(' ')).toBe('1 1 1 1 1 2 3 4 5 6 7 8');
});
