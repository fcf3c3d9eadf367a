import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readVideoPart } from '#shared/argv/videoPart.ts';
import { NO_CAPABILITIES } from '#shared/capabilities.ts';
import { adaptHardware } from '../../worker/adapt/hardware/adaptation.ts';
import { type CorpusCommand, corpusCommand } from '../support/corpus.ts';
import { ffmpegTools } from '../support/ffmpeg.ts';
import { probe } from '../support/plexTranscoder/probe.ts';
import type { PmsJob } from '../support/retarget.ts';
import { run, standInStage } from '../support/standInStage.ts';
import { plexCommands } from '../unit/pms/corpus.ts';

const stage = standInStage();

const CPU = { ...NO_CAPABILITIES, encoders: ['libx264', 'libx265', 'aac'], adaptation: 'translate' as const };

const adapted = (argv: readonly string[]) =>
  adaptHardware(argv, { capabilities: CPU, software: false, encoder: null, gpu: null, plexPass: false });

/** PMS's hardware command as a worker without a GPU runs it. */
function inSoftware(job: PmsJob): PmsJob {
  const { argv, change } = adapted(job.argv);
  expect(change).toMatchObject({ name: 'hardware-adapted' });
  return { ...job, argv: argv.map(String) };
}

/** What came out: the files, the streams, how long the picture is, and where its key frames are, in seconds. */
async function made(job: PmsJob) {
  const child = await stage.pms.spawn(await stage.install(), job);
  expect(await child.exited).toEqual({ code: 0, signal: null });
  return { files: (await readdir(job.cwd)).sort(), ...(await lookAt(await joined(job))) };
}

/** What belongs to the picture, in one file. */
async function joined({ cwd, job }: PmsJob): Promise<string> {
  const names = (await readdir(cwd)).filter((name) => /^(init|chunk)-stream0|^(header|media-)/.test(name));
  // The header of DASH and HLS comes first.
  names.sort((a, b) => Number(/\d{5}/.test(a)) - Number(/\d{5}/.test(b)) || a.localeCompare(b));
  const whole = join(stage.home, job);
  await writeFile(whole, Buffer.concat(await Promise.all(names.map((name) => readFile(join(cwd, name))))));
  return whole;
}

/** The streams of a file, how long its picture is, and where the key frames of that are, in seconds. */
async function lookAt(video: string) {
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
    streams: streams.map(({ codec_name, width, height }) => ({ codec_name, width, height })),
    seconds: Math.round((Math.max(...times) - first) * 10) / 10,
    keys: keys.map((time) => Math.round((time - first) * 10) / 10),
  };
}

test.each([
  ['sp-nv-9b7eaafb', 'sp-nv-b7dc857c'],
  ['sp-nv-51d851f5', 'sp-nv-b7dc857c'],
])(
  '%s without its GPU makes what PMS’s software command %s makes',
  async (hardware, software) => {
    const expected = await made(stage.job(software));
    const adapted = await made(inSoftware(stage.job(hardware)));
    expect(adapted).toEqual(expected);
    expect(adapted.streams).toEqual([{ codec_name: 'h264', width: 320, height: 180 }]);
    expect(adapted.keys).toEqual(expect.arrayContaining([0, 3, 6, 9]));
  },
  90_000,
);

test('with burnt-in subtitles, too', async () => {
  const { streams, seconds, keys, files } = await made(inSoftware(stage.job('sp-nv-ce9fc128')));
  expect(streams).toEqual([{ codec_name: 'h264', width: 320, height: 180 }]);
  expect(seconds).toBeCloseTo(stage.seconds, 0);
  expect(keys).toEqual(expect.arrayContaining([0, 8]));
  expect(files).toEqual(expect.arrayContaining(['chunk-stream0-00002.m4s', 'chunk-stream1-00002.m4s']));
}, 90_000);

test('HEVC for a phone stays HEVC of 10 bits, with its segments where they were', async () => {
  const { streams, seconds, keys, files } = await made(inSoftware(stage.job('sp-acc-7510')));
  expect(streams).toEqual([
    { codec_name: 'hevc', width: 320, height: 180 },
    { codec_name: 'aac', width: undefined, height: undefined },
  ]);
  expect(seconds).toBeCloseTo(stage.seconds, 0);
  expect(keys).toEqual(expect.arrayContaining([0, 8]));
  expect(files).toEqual(['header', 'media-00000.ts', 'media-00001.ts']);
}, 90_000);

/** What the forms of commands differ in that the rules tell apart: devices, codec, muxers, subtitles, HDR. */
function formOf({ argv }: Pick<CorpusCommand, 'argv'>): string | null {
  const video = readVideoPart(argv);
  if ('problem' in video) return null;
  let software: string[];
  try {
    const { argv: result, change } = adapted(argv);
    if (change?.name !== 'hardware-adapted') return null;
    software = result.map(String);
  } catch {
    return null;
  }
  const muxers = argv.filter((_, index) => argv[index - 1] === '-f').join('+');
  const extras = ['inlineass', 'tonemap'].filter((name) => argv.some((element) => element.includes(name)));
  const encoder = software.find((element) => element.startsWith('libx26'));
  return [video.decodes, video.encodes, encoder, muxers, ...extras].join(' ');
}

/** Of each form the first of the corpus, or the one above. */
const OTHER_FORMS = [
  ['sp-nv-7c010a90', 'cuda software libx264 dash+null inlineass'],
  ['sp-nv-71f80811', 'cuda software libx264 dash tonemap'],
  ['sp-nv-6b48236d', 'cuda cuda libx264 dash+null inlineass tonemap'],
  ['sp-nv-cc06707a', 'cuda software libx264 dash+null inlineass tonemap'],
  ['sp-acc-7128', 'vaapi vaapi libx265 ssegment+null inlineass'],
  ['sp-ph-5e86ff1b', 'cuda cuda libx265 ssegment'],
  ['sp-syn-av1-hevc_vaapi-ord', 'vaapi vaapi libx265 dash+null inlineass'],
  ['sp-opt-64629', 'vaapi software libx264 mp4'],
  ['sp-opt-65421', 'vaapi vaapi libx265 mp4'],
  ['sp-opt-66243', 'vaapi vaapi libx265 mp4+srt'],
  ['sp-opt-66553', 'vaapi software libx264 mp4+srt tonemap'],
  ['sp-opt-71300', 'vaapi vaapi libx265 mp4+null inlineass'],
] as const;
const ABOVE = ['sp-nv-9b7eaafb', 'sp-nv-51d851f5', 'sp-nv-ce9fc128', 'sp-acc-7510'];

test('of each form of command that is adapted to software one is run', () => {
  const forms = new Set(plexCommands().map(formOf));
  forms.delete(null);
  const run = [...ABOVE, ...OTHER_FORMS.map(([id]) => id)].map((id) => formOf(corpusCommand(id)));
  expect(new Set(run)).toEqual(forms);
  expect(OTHER_FORMS.map(([id]) => formOf(corpusCommand(id)))).toEqual(OTHER_FORMS.map(([, form]) => form));
});

test.each(OTHER_FORMS)(
  '%s runs without its GPU: %s',
  async (id, form) => {
    // In a size that takes no time, and from the beginning.
    const job = stage.job(id, { start: 0, outputDirectory: await mkdtemp(join(stage.home, 'out-')) });
    const argv = job.argv.map((element) => element.replace(/w=\d+:h=\d+/, 'w=160:h=90'));
    await mkdir(job.cwd, { recursive: true });
    await writeFile(join(job.cwd, 'temp-0.srt'), '1\n00:00:01,000 --> 00:00:02,000\na line\n');
    const child = await stage.pms.spawn(await stage.install(), inSoftware({ ...job, argv }));
    expect(await child.exited).toEqual({ code: 0, signal: null });
    const output = argv.find((element) => /\.mp4\.\d+$/.test(element));
    const { streams, seconds, keys } = await lookAt(output ?? (await joined(job)));
    expect(streams[0]).toEqual({
      codec_name: form.includes('libx265') ? 'hevc' : 'h264',
      ...{ width: 160, height: 90 },
    });
    expect(seconds).toBeCloseTo(stage.seconds, 0);
    const segment = Number(
      argv.find((_, index) => /^-seg(?:_duration|ment_time)$/.test(argv[index - 1] ?? '')),
    );
    if (output === undefined) expect(keys).toEqual(expect.arrayContaining([0, segment]));
    const sidecar = argv.find((element) => element.endsWith('.sidecar'));
    if (sidecar !== undefined) expect(await readFile(sidecar, 'utf8')).toMatch(/-->/);
  },
  60_000,
);
