import { type Outcome, outcomeWithoutProcess } from '#shared/job.ts';
import type { Accepted, Attempt, Doubt, Job } from './model.ts';

/** What a container says of its length is not exact, and its last seconds may have neither picture nor sound. */
const TOLERANCE_S = 10;
const TOLERANCE_SHARE = 0.01;

interface Place {
  /** Seconds of the input. */
  readonly reached: number;
  readonly duration: number;
}

/**
 * Why an attempt's exit code 0 is not believed, by what is known now; null when it is. A transcoder whose input can't
 * be read on ends what it has and exits with 0. Once two attempts have ended in the same place, it is the file, unless
 * they say that it can't be read: that is never a success.
 */
export function doubtOf(job: Job, attempt: Attempt): Doubt | null {
  const { outcome } = attempt;
  // What PMS has read of stdout can't be written once more.
  if (outcome?.reason !== 'exited' || outcome.exitCode !== 0 || outcome.stdoutBytes > 0) return null;
  const told = toldOf(job, attempt);
  const place = told && placeOf(told);
  const error = outcome.readError ?? told?.readError ?? null;
  const isShort = place !== null && place.reached < place.duration && !isThere(place.duration, place);
  if (!isShort && error === null) return null;
  const reached = place?.reached ?? null;
  const isRepeated = job.attempts.some(({ doubt }) => {
    return doubt !== null && (doubt.reached === null || place === null || isThere(doubt.reached, place));
  });
  if (isRepeated && error === null) return null;
  const where = place ? ` at ${place.reached.toFixed(0)} s of ${place.duration.toFixed(0)} s` : '';
  const why = error === null ? '' : `, its input could not be read on: ${error}`;
  return {
    reached,
    readError: error,
    isRepeated,
    message: `exit code 0 is not believed: it ended${where}${why}`,
  };
}

/** A later attempt that fails where a doubted one ended has found nothing more in its input: the doubted one was right. */
export function isConfirmed({ reached }: Doubt, job: Job, attempt: Attempt): boolean {
  const told = toldOf(job, attempt);
  const place = told && placeOf(told);
  return reached !== null && place !== null && isThere(reached, place);
}

/** Where in the input an attempt is, by its own word, or else where it began. */
export function reachedBy(job: Job, attempt: Attempt): number {
  const told = toldOf(job, attempt);
  return (told && placeOf(told)?.reached) ?? attempt.resume?.seconds ?? 0;
}

/** Those that stood still where this one does: of the file, and not of their workers. */
export function stoodThere({ attempts, accepted }: Job, { number, stoodAt }: Attempt): Attempt[] {
  if (stoodAt === null) return [];
  const place = { reached: stoodAt, duration: accepted?.duration ?? 0 };
  return attempts.filter((other) => {
    return other.number < number && other.stoodAt !== null && isThere(other.stoodAt, place);
  });
}

/** The end of a job of which a part is missing: who may runs the rest where the hook is. */
export function incomplete(
  { attempts }: Job,
  { outcome, doubt }: Attempt,
  readError: string | null,
): Outcome {
  const workers = [...new Set(attempts.map(({ worker }) => worker))].join(', ');
  const why = readError === null ? doubt?.message : `its input could not be read on: ${readError}`;
  const { stdoutBytes = 0, stderrBytes = 0 } = outcome ?? {};
  return {
    ...outcomeWithoutProcess('incomplete', `${why}, on ${workers}`),
    stdoutBytes,
    stderrBytes,
    readError,
  };
}

/** What the relay says of this very attempt; nothing while it is away, since more may have happened. */
function toldOf({ holder, accepted }: Job, { number }: Attempt): Accepted | null {
  return holder !== null && accepted?.attempt === number ? accepted : null;
}

/** How far in the input an attempt came, by the one of its words that says most. */
function placeOf({ duration, progress, resume }: Accepted): Place | null {
  if (duration === null) return null;
  const places = [
    ...(progress === null || progress < 0 ? [] : [(progress / 100) * duration]),
    ...(resume === null ? [] : [resume.seconds]),
  ];
  return places.length === 0 ? null : { reached: Math.max(...places), duration };
}

function isThere(seconds: number, { reached, duration }: Place): boolean {
  return Math.abs(reached - seconds) <= Math.max(TOLERANCE_S, TOLERANCE_SHARE * duration);
}
