import { expect, test } from 'vitest';
import { readVideoPart, type VideoPart } from '#shared/argv/videoPart.ts';
import { type Adaptation, type Capabilities, type Gpu, NO_CAPABILITIES } from '#shared/capabilities.ts';
import { requirementsOf } from '#shared/requirements.ts';
import {
  type Adapted,
  adaptHardware,
  type Circumstances,
} from '../../../worker/adapt/hardware/adaptation.ts';
import { formOf, type KnownGpu } from '../../../worker/adapt/hardware/form.ts';
import { written } from '../../../worker/adapt/hardware/write.ts';
import { corpusCommand } from '../../support/corpus.ts';
import { plexCommands } from '../pms/corpus.ts';

const NVIDIA: Gpu = {
  id: 'GPU-1',
  api: 'cuda',
  name: 'RTX',
  device: '0000:0d:00.0',
  driver: null,
  decoders: ['h264', 'hevc', 'hevc10', 'av1'],
  encoders: ['h264_nvenc', 'hevc_nvenc', 'hevc10_nvenc'],
  filters: ['scale_cuda', 'tonemap_cuda'],
  sessionLimit: null,
};

const INTEL: Gpu = {
  ...NVIDIA,
  id: 'host 0000:00:02.0',
  api: 'vaapi',
  name: 'Arc',
  device: '/dev/dri/renderD128',
  driver: 'iHD',
  encoders: ['h264_vaapi', 'hevc_vaapi', 'hevc10_vaapi'],
  filters: ['scale_vaapi'],
};

function machine(adaptation: Adaptation, ...gpus: Gpu[]): Capabilities {
  return { ...NO_CAPABILITIES, encoders: ['libx264', 'libx265', 'aac'], gpus, adaptation };
}

function adapted(
  argv: readonly string[],
  capabilities: Capabilities,
  fields: Partial<Omit<Circumstances, 'capabilities'>> = {},
): Adapted & { hardware: boolean } {
  const found = adaptHardware(argv, {
    capabilities,
    software: false,
    encoder: null,
    gpu: null,
    plexPass: false,
    ...fields,
  });
  return { ...found, hardware: requirementsOf(found.argv).hardware !== null };
}

function part(argv: readonly string[]): VideoPart {
  const read = readVideoPart(argv);
  if ('problem' in read) throw new Error(read.problem);
  return read;
}

/** What differs between two commands for the same clip whatever their hardware: the session, the job, the file. */
function neutral(argv: readonly unknown[]): string[] {
  return argv.map((element) =>
    String(element)
      .replace(/\/session\/[^/]+\/[^/]+/, '/session/S/J')
      .replace(/^rm-[\d-]+_$|^[0-9a-f-]{36}_$/, 'S_')
      .replace(/\.mp4\.\d+$/, '.mp4.N')
      .replace('sboxandve-', 'sample-'),
  );
}

const understood = plexCommands().filter(({ argv }) => !('problem' in readVideoPart(argv)));

test('what is understood of a command is all of it: written for the same hardware it is the same, byte for byte', () => {
  const families: string[] = [];
  for (const { id, argv } of understood) {
    const video = part(argv);
    const device = argv[argv.indexOf('-init_hw_device') + 1] ?? '';
    const own: KnownGpu | null =
      video.decodes === 'software'
        ? null
        : {
            ...(video.decodes === 'cuda' ? NVIDIA : INTEL),
            api: video.decodes,
            device: device.replace(/^cuda=cuda:pci:|^vaapi=vaapi:|,driver=.*/g, ''),
            driver: /driver=(.*)/.exec(device)?.[1] ?? null,
          };
    const target = { decodes: own, encodes: video.encodes === 'software' ? null : own };
    expect({ id, argv: written(argv, video, formOf(video, target)) }).toEqual({ id, argv });
    families.push(`${video.decodes} ${video.encodes}`);
  }
  expect(new Set(families)).toEqual(
    new Set(['software software', 'cuda cuda', 'cuda software', 'vaapi vaapi', 'vaapi software']),
  );
  expect(families.length).toBeGreaterThan(50);
});

test.each([
  // The same clip in software (first) and in hardware, by the same server.
  ['sp-nv-9905b5e9', 'sp-nv-3196a5c5'],
  ['sp-nv-b7dc857c', 'sp-nv-9b7eaafb'],
])('%s accelerated for NVENC is %s, and back', (software, hardware) => {
  const [cpu, gpu] = [corpusCommand(software).argv, corpusCommand(hardware).argv];
  const there = adapted(cpu, machine('accelerate', NVIDIA), { plexPass: true });
  expect(neutral(there.argv)).toEqual(neutral(gpu));
  expect(there.hardware).toBe(true);
  const back = adapted(gpu, machine('translate'));
  expect(neutral(back.argv)).toEqual(neutral(cpu));
  expect(back).toMatchObject({ hardware: false, change: { name: 'hardware-adapted' } });
});

test.each([
  ['sp-nv-b7dc857c', 'sp-nv-51d851f5', NVIDIA],
  ['sp-nv-537e6bc9', 'sp-nv-71f80811', NVIDIA],
  ['sp-opt-64729', 'sp-opt-64629', INTEL],
])('%s on a GPU that only decodes is %s, and back', (software, hybrid, gpu) => {
  const [cpu, mixed] = [corpusCommand(software).argv, corpusCommand(hybrid).argv];
  const there = adapted(cpu, machine('accelerate', { ...gpu, encoders: [] }), { plexPass: true });
  expect(neutral(there.argv)).toEqual(neutral(mixed));
  expect(neutral(adapted(mixed, machine('translate')).argv)).toEqual(neutral(cpu));
});

test.each([
  ['sp-nv-7291a20b', 'sp-nv-7c010a90'],
  ['sp-nv-6b48236d', 'sp-nv-cc06707a'],
  ['sp-nv-ce9fc128', 'sp-nv-45066f38'],
  ['sp-nv-cc0a429b', 'plex-nv-20'],
])('%s, with burnt-in subtitles, on a GPU that only decodes is %s', (full, hybrid) => {
  const there = adapted(corpusCommand(full).argv, machine('translate', { ...NVIDIA, encoders: [] }));
  expect(neutral(there.argv)).toEqual(neutral(corpusCommand(hybrid).argv));
});

test('HEVC moves between the makers of GPUs, with the labels of the sound', () => {
  const { argv } = corpusCommand('sp-acc-7510');
  const moved = adapted(argv, machine('translate', NVIDIA)).argv;
  const model = corpusCommand('sp-ph-5e86ff1b').argv;
  const block = (of: readonly unknown[], from: string, to: string): unknown[] =>
    of
      .slice(of.indexOf(from), of.indexOf(to))
      .filter((element) => !/^(\d+k|w=|\[0:0\])/.test(String(element)));
  expect(block(moved, '-codec:0', '-codec:1')).toEqual(block(model, '-codec:0', '-codec:1'));
  expect(block(moved, 'hevc_nvenc', '-force_key_frames:0')).toEqual(
    block(model, 'hevc_nvenc', '-force_key_frames:0'),
  );
  expect(moved).toContain('[0:0]hwupload[0];[0]scale_cuda=w=718:h=404:format=p010[1]');
  expect(moved).toContain("[0:1] aresample=async=1:ochl='5.1':rematrix_maxval=0.000000dB:osr=48000[2]");
  expect(moved.filter((element) => /^\[\d\]$/.test(String(element)))).toEqual(['[1]', '[2]']);
  const back = adapted(moved.map(String), machine('translate', INTEL)).argv;
  // A bit rate does not say which quality PMS had asked for.
  expect(back).toEqual(
    argv.flatMap((element) => (element === '-qp:0' ? ['-b:0'] : element === '22' ? ['992k'] : [element])),
  );
});

test('every command of the corpus is adapted for each kind of worker, or it is said why not', () => {
  const kinds = {
    software: machine('translate'),
    nvidia: machine('accelerate', NVIDIA),
    intel: machine('accelerate', INTEL),
  };
  const reasons = new Map<string, number>();
  for (const { id, argv } of plexCommands()) {
    for (const [kind, capabilities] of Object.entries(kinds)) {
      let reason: string;
      try {
        const { change, argv: result } = adapted(argv, capabilities, { plexPass: true });
        const after = readVideoPart(result);
        reason = change?.name === 'hardware-kept' ? change.detail : (change?.name ?? 'as written');
        if (change?.name === 'hardware-adapted' && 'problem' in after) {
          // PMS never writes HEVC in software, nor its bit rate for VAAPI any more.
          expect({ id, kind, problem: after.problem }).toEqual({
            ...{ id, kind },
            problem: expect.stringMatching(kind === 'software' ? /libx265/ : /-b:0 has no rule/),
          });
        }
      } catch (error) {
        reason = `refused: ${String(error)}`;
      }
      const key = `${kind}: ${reason}`;
      reasons.set(key, (reasons.get(key) ?? 0) + 1);
      expect(reason).not.toBe('');
    }
  }
  expect(Object.fromEntries([...reasons].toSorted())).toMatchInlineSnapshot(`
    {
      "intel: It encodes no video, or with flac, which has no rules.": 7,
      "intel: It has no input or no output.": 8,
      "intel: It names no encoder for video.": 5,
      "intel: Its filter graph is not one row from the first input to the encoder.": 1,
      "intel: Its video has no -maxrate.": 1,
      "intel: Its video is copied, not encoded.": 56,
      "intel: as written": 22,
      "intel: hardware-adapted": 37,
      "intel: refused: Error: it needs hardware that this worker has not (cuda): It has no input or no output.": 1,
      "intel: where PMS of this age opens a GPU is not known": 1,
      "nvidia: It encodes no video, or with flac, which has no rules.": 7,
      "nvidia: It has no input or no output.": 8,
      "nvidia: It names no encoder for video.": 5,
      "nvidia: Its video has no -maxrate.": 1,
      "nvidia: Its video is copied, not encoded.": 55,
      "nvidia: as written": 28,
      "nvidia: hardware-adapted": 31,
      "nvidia: refused: Error: it needs hardware that this worker has not (vaapi): It has no input or no output.": 1,
      "nvidia: refused: Error: it needs hardware that this worker has not (vaapi): Its filter graph is not one row from the first input to the encoder.": 1,
      "nvidia: refused: Error: it needs hardware that this worker has not (vaapi): Its video is copied, not encoded.": 1,
      "nvidia: where PMS of this age opens a GPU is not known": 1,
      "software: as written": 85,
      "software: hardware-adapted": 50,
      "software: refused: Error: it needs hardware that this worker has not (cuda): It has no input or no output.": 1,
      "software: refused: Error: it needs hardware that this worker has not (vaapi): It has no input or no output.": 1,
      "software: refused: Error: it needs hardware that this worker has not (vaapi): Its filter graph is not one row from the first input to the encoder.": 1,
      "software: refused: Error: it needs hardware that this worker has not (vaapi): Its video is copied, not encoded.": 1,
    }
  `);
});

test('the setting decides, and a Plex Pass', () => {
  const software = corpusCommand('sp-nv-9905b5e9').argv;
  const hardware = corpusCommand('sp-nv-3196a5c5').argv;
  expect(adapted(software, machine('translate', NVIDIA), { plexPass: true })).toEqual({
    argv: software,
    change: null,
    hardware: false,
  });
  expect(adapted(software, machine('accelerate', NVIDIA))).toEqual({
    argv: software,
    change: { name: 'hardware-kept', detail: 'no active Plex Pass, which using a GPU takes' },
    hardware: false,
  });
  expect(adapted(hardware, machine('off'))).toEqual({ argv: hardware, change: null, hardware: true });
  // PMS wrote it for hardware, and so was entitled to it.
  expect(adapted(hardware, machine('translate', INTEL)).argv).toContain('h264_vaapi');
});

test('a worker of which nothing is known runs it as PMS wrote it; after a failure, in software', () => {
  const { argv } = corpusCommand('sp-nv-3196a5c5');
  const unknown: Capabilities = { ...NO_CAPABILITIES, adaptation: 'translate' };
  expect(adapted(argv, unknown)).toMatchObject({ argv, hardware: true, change: { name: 'hardware-kept' } });
  const again = adapted(argv, unknown, { software: true });
  expect(again.argv).toContain('libx264');
  expect(again.hardware).toBe(false);
});

test('after its hardware failed, it runs without, however well the worker is equipped', () => {
  const { argv } = corpusCommand('sp-nv-3196a5c5');
  expect(adapted(argv, machine('translate', NVIDIA), { software: true })).toMatchObject({ hardware: false });
  const software = corpusCommand('sp-nv-9905b5e9').argv;
  const again = adapted(software, machine('accelerate', NVIDIA), { software: true, plexPass: true });
  expect(again).toEqual({ argv: software, change: null, hardware: false });
  expect(() => adapted(argv, machine('off', NVIDIA), { software: true })).toThrow(
    'HARDWARE_ADAPTATION is off',
  );
});

test('what can not be moved here is for another worker', () => {
  expect(() => adapted(corpusCommand('sp-go-pgs-sdr').argv, machine('translate', NVIDIA))).toThrow(
    'not one row',
  );
  const noHevc = { ...machine('translate'), encoders: ['libx264'] };
  expect(() => adapted(corpusCommand('sp-acc-7510').argv, noHevc)).toThrow('no libx265');
  // On its own hardware it stays as it is.
  expect(adapted(corpusCommand('sp-go-pgs-sdr').argv, machine('translate', INTEL)).change?.detail).toMatch(
    /not one row/,
  );
});

test('only what a GPU has proved is used', () => {
  const { argv } = corpusCommand('sp-nv-537e6bc9');
  const on = (gpu: Gpu): Adapted => adapted(argv, machine('accelerate', gpu), { plexPass: true });
  expect(on(NVIDIA).argv).toContain('h264_nvenc');
  expect(on({ ...NVIDIA, filters: ['scale_cuda'] }).argv).toContain('libx264');
  expect(on({ ...NVIDIA, decoders: ['h264'] }).change?.detail).toBe('RTX decodes no av1');
  // No capture shows how PMS maps tones on VAAPI.
  expect(on(INTEL).argv).toContain('libx264');
  expect(on({ ...INTEL, api: 'qsv' }).change?.detail).toMatch(/qsv are not known/);
});

test('HEVC in 10 bits takes a GPU that has proved them; one that has not leaves it to the CPU', () => {
  const { argv } = corpusCommand('plex-nvphone-2');
  const eight = { ...NVIDIA, encoders: ['h264_nvenc', 'hevc_nvenc'] };
  expect(adapted(argv, machine('translate', NVIDIA)).argv).toContain('hevc_nvenc');
  expect(adapted(argv, machine('translate', eight)).argv).toContain('libx265');
  // HDR has 10 bits or more, whatever is made of it.
  const hdr = corpusCommand('sp-nv-6b48236d').argv.map((element) => (element === 'av1' ? 'hevc' : element));
  expect(adapted(hdr, machine('translate', NVIDIA)).argv).toContain('h264_nvenc');
  expect(adapted(hdr, machine('translate', { ...NVIDIA, decoders: ['hevc'] })).argv).toContain('libx264');
  // An attempt that goes on with an encoder does so in 10 bits, too.
  expect(adapted(argv, machine('translate', NVIDIA), { encoder: 'hevc_nvenc' }).argv).toContain('hevc_nvenc');
});

test('an element that has no rule leaves all as it was', () => {
  const { argv } = corpusCommand('sp-nv-9905b5e9');
  const insert = (at: string, ...elements: string[]): string[] =>
    argv.toSpliced(argv.indexOf(at), 0, ...elements);
  for (const strange of [
    insert('-preset:0', '-tune:0', 'film'),
    insert('-y', '-init_hw_device', 'opencl=ocl'),
    insert('-codec:1', '-lowres:0', '1'),
    argv.map((element) => element.replace('scale=', 'crop=1:1,scale=')),
    argv.map((element) => element.replace('force_divisible_by=4', 'flags=lanczos')),
    argv.map((element) => (element === '[1]' ? '[5]' : element)),
  ]) {
    const { argv: result, change } = adapted(strange, machine('accelerate', NVIDIA), { plexPass: true });
    expect(result).toEqual(strange);
    expect(change?.name).toBe('hardware-kept');
  }
});

test.each([
  ['libx264', [NVIDIA, INTEL], 'libx264'],
  ['h264_vaapi', [NVIDIA, INTEL], 'h264_vaapi'],
  // What it has not, it does without: the orchestrator asks for it only where it is.
  ['h264_vaapi', [NVIDIA], 'libx264'],
])('after segments of %s a worker goes on with that, if it can', (encoder, gpus, expected) => {
  const { argv } = corpusCommand('sp-nv-3196a5c5');
  expect(adapted(argv, machine('translate', ...gpus), { encoder }).argv).toContain(expected);
});

test('of two cards of a kind the one that came with the job is taken, and PMS’s kind comes before it', () => {
  const second = { ...NVIDIA, id: 'GPU-2', device: '0000:0e:00.0' };
  const devices = (gpu: string, ...gpus: Gpu[]): string =>
    adapted(corpusCommand('sp-nv-3196a5c5').argv, machine('translate', ...gpus), { gpu }).argv.join();
  expect(devices('GPU-1', NVIDIA, second)).toContain(NVIDIA.device);
  expect(devices('GPU-2', NVIDIA, second)).toContain(second.device);
  expect(devices(INTEL.id, INTEL, second)).toContain(second.device);
});
