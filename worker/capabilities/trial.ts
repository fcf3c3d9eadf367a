import PQueue from 'p-queue';
import type { Clock } from '#shared/clock.ts';
import type { GpuFailure } from '#shared/job.ts';
import type { Environment } from '#shared/settings/read.ts';
import { gpuFailureIn } from '../gpu/failure.ts';
import { shortRun } from './shortRun.ts';

/** One frame each, by codec; what every trial reads. */
export const VIDEO_CLIPS = ['h264', 'hevc', 'vp8', 'vp9', 'av1', 'mpeg2video', 'mpeg4'] as const;
export type Clip = (typeof VIDEO_CLIPS)[number] | 'hevc10' | 'aac';

const CLIPS = new URL('clips/', import.meta.url).pathname;

/** A GPU's first use of a driver takes seconds; what takes longer would make a viewer wait, too. */
const TRIAL_MS = 10_000;
/** All trials of one round together; what was not tried by then is not claimed. */
const ROUND_MS = 40_000;
/** More at once would use up a card's encoder sessions, and measure one another. */
const AT_ONCE = 2;

export interface Trial {
  readonly clip: Clip;
  /** Options before the input. */
  readonly before: readonly string[];
  /** Options of the output. */
  readonly after: readonly string[];
}

export interface Transcoder {
  readonly file: string;
  readonly env: Environment;
  readonly clock: Clock;
  readonly niceness?: number;
}

export type Verdict =
  | { readonly works: true }
  | {
      readonly works: false;
      readonly gpuFailure: GpuFailure | null;
      /** The line of stderr that says most, or what happened instead of one. */
      readonly problem: string;
    };

/** More of a line says nothing more. */
const MAX_PROBLEM = 300;

/** A round of trials: a few at once, and no longer than the round may take. */
export class Trials {
  readonly #transcoder: Transcoder;
  readonly #until: number;
  readonly #queue = new PQueue({ concurrency: AT_ONCE });

  constructor(transcoder: Transcoder) {
    this.#transcoder = transcoder;
    this.#until = transcoder.clock.now() + ROUND_MS;
  }

  /** Has the transcoder make one frame of it. */
  run(trial: Trial): Promise<Verdict> {
    return this.#queue.add(() => this.#run([trial]));
  }

  /** Which of the trials fail, and why. */
  async failed<T extends Trial>(trials: readonly T[]): Promise<Map<T, string>> {
    const verdicts = await Promise.all(trials.map(async (trial) => [trial, await this.run(trial)] as const));
    return new Map(
      verdicts.flatMap(([trial, verdict]) => (verdict.works ? [] : [[trial, verdict.problem] as const])),
    );
  }

  /** The same, at the price of one where all is well. For software only: a card runs out of sessions. */
  async failedTogether<T extends Trial>(trials: readonly T[]): Promise<Map<T, string>> {
    const { works } = await this.#queue.add(() => this.#run(trials));
    return works ? new Map() : this.failed(trials);
  }

  async #run(trials: readonly Trial[]): Promise<Verdict> {
    const { clock } = this.#transcoder;
    const deadlineMs = Math.min(TRIAL_MS, this.#until - clock.now());
    if (deadlineMs <= 0) return { works: false, gpuFailure: null, problem: 'no time was left to try it' };
    const { exitCode, stderr, error } = await shortRun({
      ...this.#transcoder,
      words: [
        ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-xerror', '-y'],
        ...trials.flatMap(({ clip, before }) => [...before, '-i', fileOf(clip)]),
        ...trials.flatMap(({ clip, after }, input) => {
          const stream = clip === 'aac' ? 'a' : 'v';
          return ['-map', `${input}:${stream}:0`, `-frames:${stream}`, '1', ...after, '-f', 'null', '-'];
        }),
      ],
      deadlineMs,
    });
    if (exitCode === 0) return { works: true };
    const lines = stderr.split('\n').filter((line) => line.trim() !== '');
    // What ffmpeg says after the first sign follows from it.
    const sign = lines.find((line) => gpuFailureIn(line) !== null);
    const end =
      exitCode === null ? `it was ended, at the latest after ${deadlineMs} ms` : `exit code ${exitCode}`;
    const problem = sign ?? lines.at(-1) ?? error?.message ?? end;
    return {
      works: false,
      gpuFailure: sign === undefined ? null : gpuFailureIn(sign),
      problem: problem.slice(0, MAX_PROBLEM),
    };
  }
}

function fileOf(clip: Clip): string {
  return `${CLIPS}${clip}${clip === 'aac' ? '.mka' : '.mkv'}`;
}
