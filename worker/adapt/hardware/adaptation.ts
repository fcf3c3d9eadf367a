import { gpuCoders, inTenBits, softwareEncoder } from '#shared/argv/coders.ts';
import { readVideoPart, type VideoPart } from '#shared/argv/videoPart.ts';
import type { ByteString } from '#shared/bytes.ts';
import type { Capabilities, Gpu } from '#shared/capabilities.ts';
import type { Change } from '#shared/job.ts';
import { isUnasked, requirementsOf, videoOf } from '#shared/requirements.ts';
import { formOf, type KnownGpu, type Target } from './form.ts';
import { written } from './write.ts';

export interface Adapted {
  readonly argv: readonly ByteString[];
  /** What was done, or why nothing was; null when there was nothing to do. */
  readonly change: Change | null;
}

export interface Circumstances {
  readonly capabilities: Capabilities;
  /** Hardware has failed at this job: it is to do without. */
  readonly software: boolean;
  /** What encoded the video that PMS has: if this worker can, it goes on with that. */
  readonly encoder: string | null;
  /** The id of the card that comes before others of its kind. */
  readonly gpu: string | null;
  /** PMS has said that it is entitled to hardware. */
  readonly plexPass: boolean;
}

const SOFTWARE: Target = { decodes: null, encodes: null };

/**
 * The command for what this worker has (HARDWARE_ADAPTATION). What the rules do not cover stays as PMS wrote it; what
 * then can't run here is refused, by an Error, so that another worker may take it.
 */
export function adaptHardware(argv: readonly ByteString[], circumstances: Circumstances): Adapted {
  const { capabilities, software, encoder, gpu, plexPass } = circumstances;
  const { hardware } = requirementsOf(argv);
  const { adaptation, gpus } = capabilities;
  const isHardware = hardware !== null;
  const kept = (reason: string | null): Adapted => ({
    argv,
    change: reason === null ? null : { name: 'hardware-kept', detail: reason },
  });
  if (!isHardware && (adaptation !== 'accelerate' || software || gpus.length === 0)) return kept(null);
  if (isHardware && adaptation === 'off') {
    if (software) throw new Error('hardware has failed at it, and HARDWARE_ADAPTATION is off');
    return kept(null);
  }
  if (isUnasked(capabilities) && !software)
    return kept('nothing is known of what this worker’s transcoder can do');

  const part = readVideoPart(argv);
  if ('problem' in part) {
    const isThere = gpus.some(({ api }) => api === hardware?.api);
    if (software || (isHardware && !isThere)) {
      throw new Error(`it needs hardware that this worker has not (${hardware?.api}): ${part.problem}`);
    }
    return kept(part.problem);
  }
  if (!isHardware && !plexPass) return kept('no active Plex Pass, which using a GPU takes');

  const found = software
    ? (whyNotSoftware(part, capabilities) ?? SOFTWARE)
    : bestTarget(part, keepingTo(encoder, capabilities), gpu);
  if (typeof found === 'string') {
    if (isHardware) throw new Error(`it can not be moved to this worker’s hardware: ${found}`);
    return kept(found);
  }
  const adapted = written(argv, part, formOf(part, found));
  const isSame = adapted.length === argv.length && adapted.every((element, index) => element === argv[index]);
  if (isSame) return kept(null);
  return {
    argv: adapted,
    change: { name: 'hardware-adapted', detail: `${described(part)} → ${describedTarget(part, found)}` },
  };
}

/** The same, as if its GPUs had that encoder only, or none. */
function keepingTo(encoder: string | null, capabilities: Capabilities): Capabilities {
  if (encoder === null) return capabilities;
  const same = [encoder, inTenBits(encoder)];
  const only = (gpu: Gpu): Gpu => ({ ...gpu, encoders: gpu.encoders.filter((name) => same.includes(name)) });
  return { ...capabilities, gpus: capabilities.gpus.map(only) };
}

/** The best of this worker for the video, first of the kind for which PMS wrote it: or why nothing of it does. */
function bestTarget(part: VideoPart, capabilities: Capabilities, preferred: string | null): Target | string {
  const problems: string[] = [];
  const rank = ({ api, id }: Gpu): number => 2 * Number(api === part.decodes) + Number(id === preferred);
  const gpus = capabilities.gpus.toSorted((a, b) => rank(b) - rank(a));
  if (part.places.device === null) return 'where PMS of this age opens a GPU is not known';
  const usable = gpus.filter((gpu): gpu is KnownGpu => {
    if (isKnown(gpu)) return true;
    problems.push(`PMS’s commands for ${gpu.api} are not known`);
    return false;
  });
  // What PMS let the CPU encode although it had a GPU stays so.
  const encodesOnGpu = part.encodes !== 'software' || part.decodes === 'software';
  for (const gpu of encodesOnGpu ? usable : []) {
    const problem = whyNotDecoding(part, gpu) ?? whyNotEncoding(part, gpu);
    if (problem === null) return { decodes: gpu, encodes: gpu };
    problems.push(problem);
  }
  const software = whyNotSoftware(part, capabilities);
  if (software !== null) return [...problems, software].join('; ');
  for (const gpu of usable) {
    const problem = whyNotDecoding(part, gpu);
    if (problem === null) return { decodes: gpu, encodes: null };
    problems.push(problem);
  }
  return part.decodes === 'software' ? [...new Set(problems)].join('; ') : SOFTWARE;
}

function isKnown(gpu: Gpu): gpu is KnownGpu {
  return gpu.api !== 'qsv';
}

function whyNotDecoding(part: VideoPart, { api, decoders, name }: Gpu): string | null {
  const { decoder } = gpuCoders(videoOf(part), api);
  return decoders.includes(decoder) ? null : `${name} decodes no ${decoder}`;
}

function whyNotEncoding(part: VideoPart, { api, encoders, filters, name }: KnownGpu): string | null {
  if (part.tonemap !== null && api === 'vaapi') return 'PMS’s commands for HDR to SDR on VAAPI are not known';
  const needed = gpuCoders(videoOf(part), api);
  const lacking = encoders.includes(needed.encoder)
    ? needed.filters.find((filter) => !filters.includes(filter))
    : needed.encoder;
  return lacking === undefined ? null : `${name} has not proved ${lacking}`;
}

function whyNotSoftware({ encoding }: VideoPart, { encoders }: Capabilities): string | null {
  const encoder = softwareEncoder(encoding);
  if (encoders.length === 0 && encoding === 'h264') return null;
  return encoders.includes(encoder) ? null : `the transcoder has no ${encoder}`;
}

function described({ codec, decodes, encoding, encodes }: VideoPart): string {
  return `${codec} by ${decodes}, ${encoding} by ${encodes}`;
}

function describedTarget({ codec, encoding }: VideoPart, { decodes, encodes }: Target): string {
  const by = (gpu: KnownGpu | null): string => (gpu ? `${gpu.api} (${gpu.name})` : 'software');
  return `${codec} by ${by(decodes)}, ${encoding} by ${by(encodes)}`;
}
