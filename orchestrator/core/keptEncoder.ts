import { softwareEncoder } from '#shared/argv/coders.ts';
import { isUnasked } from '#shared/requirements.ts';
import type { Job, Worker } from './model.ts';

/**
 * What encoded the video of the segments that PMS has: another encoder's segments take another header than the one that
 * players have. Null while PMS has none, or when nobody knows.
 */
export function keptEncoder({ accepted, attempts, requirements: { video } }: Job): string | null {
  const before = attempts.find(({ number }) => number === accepted?.attempt);
  if (!accepted?.resume || !before || !video) return null;
  return before.hardware?.encoder ?? softwareEncoder(video.encoding);
}

/** Whether the worker can encode the job's video with that one, too. */
export function canKeepTo(
  encoder: string,
  { capabilities }: Worker,
  { requirements, software }: Job,
): boolean {
  const { adaptation, encoders, gpus } = capabilities;
  const { hardware, video } = requirements;
  const own = hardware?.encoder ?? (video && softwareEncoder(video.encoding));
  const mayChange = adaptation === 'accelerate' || (adaptation === 'translate' && hardware !== null);
  if (!software && (!mayChange || isUnasked(capabilities))) return own === encoder;
  if (gpus.some((gpu) => gpu.encoders.includes(encoder))) return !software;
  // Its list names what its transcoder was built with, for GPUs that it need not have, too.
  return encoder.startsWith('lib') && (encoders.length === 0 || encoders.includes(encoder));
}
