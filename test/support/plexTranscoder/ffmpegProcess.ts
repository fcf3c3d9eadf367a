import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { PROGRESS_DESCRIPTOR } from './plan.ts';

/** ffmpeg's own report; absent fields were N/A. */
export interface Progress {
  readonly seconds: number;
  readonly frames: number;
  readonly bytes: number | null;
  readonly speed: number | null;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const BINDER = 'setpriv';

/** ffmpeg as a child that can't outlive us, whatever ends us: the kernel kills it when its parent dies. */
export class FfmpegProcess {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #progress: Progress = { seconds: 0, frames: 0, bytes: null, speed: null };
  #isPaused = false;

  /** `pipes` more descriptors from 3 on are read by us. */
  constructor(ffmpeg: string, args: readonly string[], pipes: number) {
    const piped = Array.from({ length: pipes }, () => 'pipe' as const);
    this.#child = spawn(BINDER, ['--pdeathsig', 'KILL', ffmpeg, ...args], {
      stdio: ['inherit', 'inherit', 'inherit', ...piped],
    });
    this.exited = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code, signal) => resolve({ code, signal }));
    });
    if (pipes > 0) this.#readProgress();
  }

  get progress(): Progress {
    return this.#progress;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pipe(descriptor: number): Readable {
    const stream = this.#child.stdio[descriptor];
    if (!(stream instanceof Readable)) throw new Error(`ffmpeg's descriptor ${descriptor} is not piped`);
    return stream;
  }

  /** Plex's fork sleeps instead of reading packets; stock ffmpeg has to be stopped from outside. */
  pause(paused: boolean): void {
    if (paused === this.#isPaused || (paused && !this.#isBound)) return;
    this.#isPaused = paused;
    this.#child.kill(paused ? 'SIGSTOP' : 'SIGCONT');
  }

  end(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
    this.pause(false);
  }

  /** Whether it dies with us already: one that is stopped before it has asked for that would stay for ever. */
  get #isBound(): boolean {
    try {
      return !readFileSync(`/proc/${this.#child.pid}/cmdline`, 'latin1').startsWith(BINDER);
    } catch {
      return false;
    }
  }

  #readProgress(): void {
    const fields = new Map<string, string>();
    createInterface({ input: this.pipe(PROGRESS_DESCRIPTOR) }).on('line', (line) => {
      const [name = '', value = ''] = line.split('=');
      fields.set(name, value.trim());
      if (name === 'progress') this.#progress = readProgress(fields);
    });
  }
}

function readProgress(fields: ReadonlyMap<string, string>): Progress {
  const number = (name: string): number | null => {
    const value = Number.parseFloat(fields.get(name) ?? '');
    return Number.isFinite(value) ? value : null;
  };
  return {
    // In microseconds, despite its name: the oldest ffmpeg that we run on has no better one.
    seconds: Math.max(0, (number('out_time_ms') ?? 0) / 1_000_000),
    frames: number('frame') ?? 0,
    bytes: number('total_size'),
    speed: number('speed'),
  };
}
