import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NO_CAPABILITIES } from '#shared/capabilities.ts';
import { adaptHardware } from '../../worker/adapt/hardware/adaptation.ts';
import { ffmpegTools } from '../support/ffmpeg.ts';
import { probe } from '../support/plexTranscoder/probe.ts';
import type { PmsJob } from '../support/retarget.ts';
import { run, standInStage } from '../support/standInStage.ts';

const stage = standInStage();

const CPU = { ...NO_CAPABILITIES, encoders: ['libx264', 'libx265', 'aac'], adaptation: 'translate' as const };

/** PMS's hardware command as a worker without a GPU runs it. */
function inSoftware(id: string): PmsJob {
  const job = stage.job(id);
  const adapted = adaptHardware(job.argv, {
    capabilities: CPU,
    software: false,
    encoder: null,
    gpu: null,
    plexPass: false,
  });
  expect(adapted).toMatchObject({ change: { name: 'hardware-adapted' } });
  return { ...job, argv: adapted.argv.map(String) };
}

/** What came out: the streams, how long the picture is, and where its key frames are, in seconds. */
async function made(job: PmsJob, parts: RegExp, whole: string) {
  const child = await stage.pms.spawn(await stage.install(), job);
  expect(await child.exited).toEqual({ code: 0, signal: null });
  const files = (await readdir(job.cwd)).sort();
  const segments = files.filter((name) => parts.test(name));
  // The header of DASH and HLS comes first.
  segments.sort((a, b) => Number(/\d{5}/.test(a)) - Number(/\d{5}/.test(b)) || a.localeCompare(b));
  const video = join(stage.home, whole);
  await writeFile(
    video,
    Buffer.concat(await Promise.all(segments.map((name) => readFile(join(job.cwd, name))))),
  );
  const { ffprobe } = ffmpegTools();
  const { streams } = await probe(ffprobe, video);
  const entries = [
    '-v',
    'error',
    '-select_streams',
    'v',
    '-show_entries',
    'packet=pts_time,flags',
    '-of',
    'csv=p=0',
  ];
  const { stdout } = await run(ffprobe, [...entries, video], { maxBuffer: 1e7 });
  const packets = stdout.split('\n').filter(Boolean);
  const times = packets.map(Number.parseFloat);
  const keys = packets.filter((packet) => packet.includes('K')).map(Number.parseFloat);
  const first = Math.min(...times);
  return {
    files,
    streams: streams.map(({ codec_name, width, height }) => ({ codec_name, width, height })),
    seconds: Math.round((Math.max(...times) - first) * 10) / 10,
    keys: keys.map((time) => Math.round((time - first) * 10) / 10),
  };
}

const DASH_VIDEO = /^(init|chunk)-stream0/;

test.each([
  ['sp-nv-9b7eaafb', 'sp-nv-b7dc857c'],
  ['sp-nv-51d851f5', 'sp-nv-b7dc857c'],
])(
  '%s without its GPU makes what PMS’s software command %s makes',
  async (hardware, software) => {
    const expected = await made(stage.job(software), DASH_VIDEO, 'software.mp4');
    const adapted = await made(inSoftware(hardware), DASH_VIDEO, 'adapted.mp4');
    expect(adapted).toEqual(expected);
    expect(adapted.streams).toEqual([{ codec_name: 'h264', width: 1280, height: 720 }]);
    expect(adapted.keys).toEqual(expect.arrayContaining([0, 3, 6, 9]));
  },
  90_000,
);

test('with burnt-in subtitles, too', async () => {
  const { streams, seconds, keys, files } = await made(inSoftware('sp-nv-ce9fc128'), DASH_VIDEO, 'burnt.mp4');
  expect(streams).toEqual([{ codec_name: 'h264', width: 720, height: 404 }]);
  expect(seconds).toBeCloseTo(stage.seconds, 0);
  expect(keys).toEqual(expect.arrayContaining([0, 8]));
  expect(files).toEqual(expect.arrayContaining(['chunk-stream0-00002.m4s', 'chunk-stream1-00002.m4s']));
}, 90_000);

test('HEVC for a phone stays HEVC of 10 bits, with its segments where they were', async () => {
  const { streams, seconds, keys, files } = await made(
    inSoftware('sp-acc-7510'),
    /^(header|media-)/,
    'phone.mkv',
  );
  expect(streams).toEqual([
    { codec_name: 'hevc', width: 718, height: 404 },
    { codec_name: 'aac', width: undefined, height: undefined },
  ]);
  expect(seconds).toBeCloseTo(stage.seconds, 0);
  expect(keys).toEqual(expect.arrayContaining([0, 8]));
  expect(files).toEqual(['header', 'media-00000.ts', 'media-00001.ts']);
}, 90_000);
