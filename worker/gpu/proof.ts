import { TRIED_DECODERS } from '#shared/argv/coders.ts';
import type { Gpu, GpuApi } from '#shared/capabilities.ts';
import { type Clip, type Transcoder, type Trial, Trials } from '../capabilities/trial.ts';
import type { FoundGpu } from './cards.ts';

/** Codecs that GPUs decode and encode, by the name of the clip. `hevc10` is HEVC in 10 bits. */
const DECODED: readonly Clip[] = TRIED_DECODERS;
const ENCODED = ['h264', 'hevc', 'hevc10', 'av1'] as const;

const ENCODER_SUFFIX: Record<GpuApi, string> = { cuda: 'nvenc', vaapi: 'vaapi', qsv: 'qsv' };

/** PMS's word for NVIDIA's decoder; ffmpeg knows it, too. */
const HWACCEL: Record<GpuApi, string> = { cuda: 'nvdec', vaapi: 'vaapi', qsv: 'qsv' };

/** Filters that PMS asks for, as its commands write them, with the pixel format that they are given. */
const FILTERS: Record<GpuApi, Record<string, readonly [format: string, filter: string]>> = {
  cuda: {
    scale_cuda: ['nv12', 'scale_cuda=w=160:h=120:format=nv12'],
    tonemap_cuda: ['p010', 'tonemap_cuda=hable:nv12'],
    yadif_cuda: ['nv12', 'yadif_cuda'],
  },
  vaapi: {
    scale_vaapi: ['nv12', 'scale_vaapi=w=160:h=120:format=nv12'],
    deinterlace_vaapi: ['nv12', 'deinterlace_vaapi'],
  },
  qsv: {
    scale_qsv: ['nv12', 'scale_qsv=w=160:h=120:format=nv12'],
    vpp_qsv: ['nv12', 'vpp_qsv=w=160:h=120'],
  },
};

/** Fails on a frame in the machine's memory, and so tells a GPU's decoder from ffmpeg's silent way back to software. */
const FROM_GPU = 'hwdownload,format=nv12';
const TEN_BITS_FROM_GPU = 'hwdownload,format=p010';

export interface Proof {
  /** Null when a transcoder can't reach it at all. */
  readonly gpu: Gpu | null;
  /** Why it neither decodes nor encodes anything, as the transcoder says; null when it does. */
  readonly problem: string | null;
  /** Encoders that found no session left, which says nothing of the card: to be tried again. */
  readonly undecided: readonly string[];
}

/**
 * What a GPU does when it is tried.
 *
 * @param before encoders that it had proved: they count as long as they are undecided
 */
export async function proveGpu(
  found: FoundGpu,
  transcoder: Transcoder,
  before: readonly string[],
): Promise<Proof> {
  const trials = new Trials(transcoder);
  const problems: string[] = [];
  for (const driver of found.drivers) {
    const device = deviceOptions(found, driver);
    const upload = await trials.run({ clip: 'h264', before: device, after: filtered(`nv12`, FROM_GPU) });
    if (upload.works) return proveOn(found, driver, device, trials, before);
    problems.push(driver === null ? upload.problem : `${driver}: ${upload.problem}`);
  }
  return { gpu: null, problem: problems.join('; '), undecided: [] };
}

async function proveOn(
  { id, api, name, device, sessionLimit }: FoundGpu,
  driver: string | null,
  options: readonly string[],
  trials: Trials,
  before: readonly string[],
): Promise<Proof> {
  const names = ENCODED.map((codec) => `${codec}_${ENCODER_SUFFIX[api]}`);
  const decodings = DECODED.map((codec) => decoding(api, options, codec));
  const filterings = Object.entries(FILTERS[api]).map(([filter, [format, written]]) => ({
    ...{ name: filter, clip: 'h264' as const, before: options },
    after: filtered(format, `${written},${FROM_GPU}`),
  }));
  const [notDecoded, verdicts, notFiltered] = await Promise.all([
    trials.failed(decodings),
    Promise.all(names.map((encoder) => trials.run(encoding(options, encoder)))),
    trials.failed(filterings),
  ]);
  const decoders = decodings.filter((trial) => !notDecoded.has(trial)).map(({ clip }) => clip);
  const undecided = names.filter((_, index) => {
    const verdict = verdicts[index];
    return verdict?.works === false && verdict.gpuFailure === 'sessions';
  });
  const encoders = names.filter((encoder, index) => {
    return verdicts[index]?.works || (undecided.includes(encoder) && before.includes(encoder));
  });
  const gpu = {
    ...{ id, api, name, device, driver, decoders, encoders },
    filters: filterings.filter((trial) => !notFiltered.has(trial)).map((filter) => filter.name),
    sessionLimit: encoders.length === 0 ? 0 : sessionLimit,
  };
  const isOfUse = decoders.length > 0 || encoders.length > 0;
  return { gpu, undecided, problem: isOfUse ? null : ([...notDecoded.values()][0] ?? null) };
}

/** What has a proved GPU's driver read again. */
export function warmingTrial(gpu: Gpu): Trial {
  const [encoder] = gpu.encoders;
  const before = deviceOptions(gpu, gpu.driver);
  return encoder ? encoding(before, encoder) : { clip: 'h264', before, after: filtered('nv12', FROM_GPU) };
}

/** Names the GPU as PMS's commands do, so that a trial says something of them. */
function deviceOptions({ api, device }: Pick<FoundGpu, 'api' | 'device'>, driver: string | null): string[] {
  const init = '-init_hw_device';
  if (api === 'cuda') return [init, `cuda=cuda:pci:${device}`, '-filter_hw_device', 'cuda'];
  const vaapi = [init, `vaapi=vaapi:${device}${driver === null ? '' : `,driver=${driver}`}`];
  if (api === 'vaapi') return [...vaapi, '-filter_hw_device', 'vaapi'];
  return [...vaapi, init, 'qsv=qsv@vaapi', '-filter_hw_device', 'qsv'];
}

function decoding(api: GpuApi, device: readonly string[], codec: Clip): Trial {
  const [name, tenBits] = plain(codec);
  const decoder = api === 'qsv' ? ['-c:v', `${name === 'mpeg2video' ? 'mpeg2' : name}_qsv`] : [];
  const hwaccel = ['-hwaccel', HWACCEL[api], '-hwaccel_output_format', api, '-hwaccel_device', api];
  const after = ['-vf', tenBits ? TEN_BITS_FROM_GPU : FROM_GPU];
  return { clip: codec, before: [...device, ...hwaccel, ...decoder], after };
}

function encoding(device: readonly string[], encoder: string): Trial {
  const [name, tenBits] = plain(encoder);
  const after = ['-vf', `format=${tenBits ? 'p010' : 'nv12'},hwupload`, '-c:v', name];
  return { clip: 'h264', before: device, after };
}

/** The transcoder's name of a coder, and whether it is to work in 10 bits. */
function plain(coder: string): [name: string, tenBits: boolean] {
  return [coder.replace(/^hevc10/, 'hevc'), coder.startsWith('hevc10')];
}

function filtered(format: string, filter: string): string[] {
  return ['-vf', `format=${format},hwupload,${filter}`];
}
