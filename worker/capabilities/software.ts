import type { Capabilities } from '#shared/capabilities.ts';
import { type Clip, type Transcoder, type Trial, Trials, VIDEO_CLIPS } from './trial.ts';

type Listed = Pick<Capabilities, 'decoders' | 'encoders' | 'filters'>;

interface SoftwareTrial extends Trial {
  readonly kind: keyof Listed;
  readonly name: string;
}

/** What PMS asks for, as far as it needs nothing but a picture or a sound. */
const TRIALS: readonly SoftwareTrial[] = [
  ...VIDEO_CLIPS.map((codec) => trial('decoders', codec, codec, [])),
  ...['libx264', 'libx265', 'mpeg2video', 'mjpeg'].map((encoder) =>
    trial('encoders', encoder, 'h264', [
      '-c:v',
      encoder,
      '-pix_fmt',
      encoder === 'mjpeg' ? 'yuvj420p' : 'yuv420p',
    ]),
  ),
  ...['aac', 'ac3', 'flac', 'libmp3lame', 'libopus'].map((encoder) =>
    trial('encoders', encoder, 'aac', ['-c:a', encoder]),
  ),
  trial('filters', 'scale', 'h264', ['-vf', 'scale=160:120']),
  trial('filters', 'format', 'h264', ['-vf', 'format=nv12']),
  trial('filters', 'yadif', 'h264', ['-vf', 'yadif']),
];

/** The trials are also to bring the transcoder into memory: of one that lists nothing, too. */
const WARMING: Trial = { clip: 'h264', before: [], after: [] };

export interface SoftwareProof {
  /** What the transcoder lists, without what it failed at; what there is no trial for stays as listed. */
  readonly proved: Listed;
  /** What it lists and failed at, and why. */
  readonly failures: Readonly<Record<string, string>>;
}

export async function softwareProved(listed: Listed, transcoder: Transcoder): Promise<SoftwareProof> {
  const due = TRIALS.filter(({ kind, name }) => listed[kind].includes(name));
  const trials = new Trials(transcoder);
  if (due.length === 0) {
    await trials.run(WARMING);
    return { proved: listed, failures: {} };
  }
  const reasons = await trials.failedTogether(due);
  const failed = [...reasons.keys()];
  const without = (kind: keyof Listed): string[] =>
    listed[kind].filter((name) => !failed.some((other) => other.kind === kind && other.name === name));
  return {
    proved: { decoders: without('decoders'), encoders: without('encoders'), filters: without('filters') },
    failures: Object.fromEntries([...reasons].map(([{ kind, name }, why]) => [`${kind}: ${name}`, why])),
  };
}

function trial(kind: keyof Listed, name: string, clip: Clip, after: readonly string[]): SoftwareTrial {
  return { kind, name, clip, before: [], after };
}
