import { expect, test } from 'vitest';
import { gpuCoders } from '#shared/argv/coders.ts';
import { type Capabilities, type Gpu, NO_CAPABILITIES } from '#shared/capabilities.ts';
import { requirementsOf, whyIneligible } from '#shared/requirements.ts';
import { corpusCommand } from '../../support/corpus.ts';
import { plexCommands } from '../pms/corpus.ts';

const NVIDIA: Gpu = {
  id: 'GPU-1',
  api: 'cuda',
  name: 'a card',
  device: '0000:01:00.0',
  driver: null,
  decoders: ['h264', 'hevc', 'hevc10', 'av1'],
  encoders: ['h264_nvenc', 'hevc_nvenc', 'hevc10_nvenc'],
  filters: ['scale_cuda', 'tonemap_cuda'],
  sessionLimit: null,
};

const PLEX: Capabilities = {
  decoders: ['h264', 'hevc', 'libdav1d', 'aac', 'ac3', 'eac3', 'dca', 'mpeg4'],
  encoders: ['libx264', 'aac', 'ac3', 'ass', 'flac', 'libopus'],
  filters: [],
  gpus: [],
  eae: true,
  adaptation: 'translate',
};

function why(id: string, capabilities: Partial<Capabilities>, software = false): string | null {
  return whyIneligible({ ...PLEX, ...capabilities }, requirementsOf(corpusCommand(id).argv), software);
}

test('every command of the corpus has requirements that its own words show', () => {
  for (const { id, argv, hw } of plexCommands()) {
    const { hardware, video, eae, encoders } = requirementsOf(argv);
    expect({ id, eae: eae.length > 0 }).toEqual({
      id,
      eae: argv.some((element) => element.endsWith('_eae')),
    });
    const words = argv.some((element) => /^(nvdec|vaapi)$|_(nvenc|vaapi)$/.test(element));
    const emptyDevice = id === 'sp-go-segmkv-start';
    expect({ id, hardware: hardware !== null }).toEqual({ id, hardware: words && !emptyDevice });
    if (hw === 'vaapi' || hw === 'nvenc') {
      expect({ id, api: hardware?.api }).toEqual({ id, api: hw === 'vaapi' ? 'vaapi' : 'cuda' });
    }
    if (hw.endsWith('software-encode'))
      expect({ id, encodes: hardware?.encoder }).toEqual({ id, encodes: null });
    expect({ id, gpuInCpu: encoders.filter((name) => /nvenc|vaapi/.test(name)) }).toEqual({
      id,
      gpuInCpu: [],
    });
    if (video)
      expect(argv.some((element) => element.includes(`w=${video.width}:h=${video.height}`))).toBe(true);
  }
});

test('every whole command of the corpus finds a worker that has what it names', () => {
  const encoders = ['h264_vaapi', 'hevc_vaapi', 'hevc10_vaapi'];
  const vaapi = { ...NVIDIA, api: 'vaapi' as const, encoders, filters: ['scale_vaapi'] };
  const commands = plexCommands().filter(({ isTruncated, id }) => !isTruncated && id !== 'plex-misc-2');
  expect(commands.length).toBeGreaterThan(100);
  for (const { id, argv } of commands) {
    const needs = requirementsOf(argv);
    expect({ id, why: whyIneligible({ ...PLEX, gpus: [NVIDIA, vaapi] }, needs, false) }).toEqual({
      id,
      why: null,
    });
    expect({ id, why: whyIneligible(NO_CAPABILITIES, needs, false) }).toEqual({ id, why: null });
  }
});

test.each([
  [['-i', 'a', '-codec:0', 'h264_nvenc', 'out'], 'h264_nvenc'],
  [['-i', 'a', '-c:v', 'hevc_vaapi', '-c:a', 'aac', 'out'], 'hevc_vaapi'],
  [['-i', 'a', '-vcodec', 'av1_qsv', 'out'], 'av1_qsv'],
  [['-i', 'a', '-codec:0', 'libx264', 'out'], undefined],
  // A decoder of that name stands before the input.
  [['-codec:0', 'h264_qsv', '-i', 'a', '-codec:0', 'libx264', 'out'], undefined],
  [['-i', 'h264_nvenc', '-codec:0', 'copy', 'h264_nvenc'], undefined],
])('the GPU encoder of %j is %s', (argv, encoder) => {
  expect(requirementsOf(argv).hardware?.encoder).toBe(encoder);
});

test('what a command reads and writes is told', () => {
  expect(requirementsOf(corpusCommand('sp-nv-6b48236d').argv)).toEqual({
    decoders: [],
    encoders: ['aac', 'ass'],
    hardware: { api: 'cuda', decoder: 'av1', encoder: 'h264_nvenc' },
    eae: ['eac3_eae'],
    liveInput: false,
    video: { source: 'av1', encoding: 'h264', width: 1280, height: 720, bitDepth: 8, toneMapped: true },
  });
  expect(requirementsOf(corpusCommand('sp-acc-7510').argv).video).toMatchObject({
    encoding: 'hevc',
    bitDepth: 10,
  });
  const live = [
    '-i',
    'http://127.0.0.1:32400/livetv/sessions/1/consumer/index.m3u8?offset=1',
    '-codec:0',
    'copy',
    'a',
  ];
  expect(requirementsOf(live)).toMatchObject({ liveInput: true, decoders: [], encoders: [] });
});

test('a worker that lacks a decoder, an encoder or EasyAudioEncoder is not eligible', () => {
  expect(why('sp-nv-9905b5e9', {})).toBeNull();
  expect(why('sp-nv-9905b5e9', { eae: false })).toBe('it has no EasyAudioEncoder for eac3_eae');
  expect(why('sp-nv-9905b5e9', { encoders: ['aac'] })).toBe('its transcoder has no encoder libx264');
  expect(why('sp-nv-9905b5e9', { decoders: ['h264'] })).toBe('its transcoder has no decoder hevc');
  expect(why('sp-nv-9905b5e9', { decoders: [], encoders: [] })).toBeNull();
  // Asked for codecs and not for decoders, it says what its decoders are for.
  expect(why('sp-th-119673', { decoders: ['av1'] })).toBeNull();
  expect(why('plex-optimize-sw-1', { decoders: ['hevc', 'dts'] })).toBeNull();
});

test('a command for a GPU goes to that GPU, to another that can, or to a CPU that can', () => {
  expect(why('sp-nv-3196a5c5', { gpus: [NVIDIA], adaptation: 'off' })).toBeNull();
  expect(why('sp-nv-3196a5c5', { adaptation: 'off' })).toBe('it has no GPU that proved this (cuda)');
  expect(why('sp-nv-3196a5c5', {})).toBeNull();
  expect(why('sp-nv-3196a5c5', { encoders: ['aac'] })).toBe('its transcoder has no encoder libx264');
  expect(why('sp-acc-7510', {})).toBe('its transcoder has no encoder libx265');
  expect(why('sp-acc-7510', { gpus: [NVIDIA] })).toBeNull();
  expect(why('sp-acc-7510', { gpus: [{ ...NVIDIA, encoders: [] }] })).toBe(
    'its transcoder has no encoder libx265',
  );
});

/** A card that lacks what the pattern names. */
function without(pattern: RegExp): Gpu {
  const less = (names: readonly string[]): string[] => names.filter((name) => !pattern.test(name));
  const { decoders, encoders, filters } = NVIDIA;
  return { ...NVIDIA, decoders: less(decoders), encoders: less(encoders), filters: less(filters) };
}

// AV1 to HEVC in 10 bits; HDR to SDR; a picture of another size.
test.each([
  ['plex-nvphone-2', /hevc10_nvenc/],
  ['sp-nv-6b48236d', /tonemap_cuda/],
  ['sp-nv-3196a5c5', /scale_cuda/],
])('%s takes a GPU that has proved %s, or a CPU', (id, lacking) => {
  const off = { adaptation: 'off' as const };
  expect(why(id, { ...off, gpus: [NVIDIA] })).toBeNull();
  expect(why(id, { ...off, gpus: [without(lacking)] })).toBe('it has no GPU that proved this (cuda)');
  const hasBoth = { gpus: [without(lacking)], encoders: ['libx264', 'libx265', 'aac', 'ass'] };
  expect(why(id, hasBoth)).toBeNull();
  const encodesNothing = why(id, { gpus: [without(lacking)], encoders: ['aac', 'ass'] });
  expect(encodesNothing).toMatch(/^its transcoder has no encoder libx26[45]$/);
});

test('nobody is held to a decoder that no GPU is tried with', () => {
  const argv = (codec: string) => [
    '-codec:0',
    codec,
    '-hwaccel:0',
    'nvdec',
    '-i',
    'a',
    '-codec:0',
    'h264_nvenc',
    'b',
  ];
  const gpus = [{ ...NVIDIA, decoders: ['h264'] }];
  const whyNot = (codec: string) => whyIneligible({ ...PLEX, gpus }, requirementsOf(argv(codec)), false);
  expect([whyNot('vc1'), whyNot('vp9')]).toEqual([null, 'it has no GPU that proved this (cuda)']);
});

test.each([
  ['HEVC made in 10 bits', 'plex-nvphone-2', { decoder: 'hevc10' }],
  ['HDR', 'sp-nv-6b48236d', { decoder: 'hevc10' }],
  ['anything else', 'sp-nv-6b48236d', { decoder: 'hevc', toneMapped: false }],
])('a source of %s', (_what, id, { decoder, ...changed }) => {
  const { video } = requirementsOf(corpusCommand(id).argv);
  if (!video) throw new Error('the command has no video');
  expect(gpuCoders({ ...video, source: 'hevc', ...changed }, 'cuda').decoder).toBe(decoder);
});

test('what has no form for other hardware needs the hardware that it names', () => {
  expect(why('sp-go-pgs-sdr', { gpus: [NVIDIA] })).toBe('it has no GPU that proved this (vaapi)');
});

test('after its hardware failed, a job needs a worker that can do without', () => {
  expect(why('sp-nv-3196a5c5', { gpus: [NVIDIA] }, true)).toBeNull();
  expect(why('sp-nv-3196a5c5', { gpus: [NVIDIA], adaptation: 'off' }, true)).toBe(
    'it can not do without hardware',
  );
  expect(why('sp-acc-7510', { gpus: [NVIDIA] }, true)).toBe('its transcoder has no encoder libx265');
});
