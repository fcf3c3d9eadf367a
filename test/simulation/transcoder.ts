import type { EndSignal } from '#shared/job.ts';
import type { ProcessOptions, RunningTranscoder } from '../../worker/transcoder/process.ts';
import type { Exit } from './parts.ts';
import type { SimProcess } from './process.ts';
import type { Random } from './random.ts';

/** What stands in the owner files of the shared volume: the highest attempt of each job that ever started. */
export type OwnerFiles = Map<string, number>;

/** How often a running attempt looks whether it still owns its job. */
const WATCH_MS = 1_000;

/** It can't read its input on. */
const UNREAD = Buffer.from('\nError during demuxing: Input/output error\n');

export interface SimTranscoderOptions {
  readonly random: Random;
  /** The worker. What it is told about a transcoder reaches it only while it lives. */
  readonly worker: SimProcess;
  readonly workerName: string;
  readonly owners: OwnerFiles;
  readonly process: Omit<ProcessOptions, 'fence'>;
  readonly live: Set<SimTranscoder>;
  readonly exits: Exit[];
}

/** A transcoder as its worker sees it: it starts, writes, and ends, when it wants to or when it is told to. */
export class SimTranscoder implements RunningTranscoder {
  readonly pid = 1;
  readonly jobId: string;
  readonly number: number;
  readonly workerName: string;
  readonly #options: SimTranscoderOptions;
  #mode: 'launching' | 'running' | 'over' = 'launching';
  #held = false;
  #written = 0;
  #stdout = 0;
  #exitWhenRead: (() => void) | null = null;

  constructor(options: SimTranscoderOptions) {
    const { random, process, live } = options;
    this.#options = options;
    const [jobId = '', number] = process.mark.split(' ');
    this.jobId = jobId;
    this.number = Number(number);
    this.workerName = options.workerName;
    live.add(this);
    this.#after(random.next() * 20, () => this.#launch());
  }

  /** It runs, and the owner file says that it may. */
  get writes(): boolean {
    return this.#mode === 'running' && this.#options.owners.get(this.jobId) === this.number;
  }

  hold(held: boolean): void {
    this.#held = held;
    const exit = this.#exitWhenRead;
    if (held || !exit) return;
    this.#exitWhenRead = null;
    exit();
  }

  end(signal: EndSignal): void {
    const { random, process } = this.#options;
    const obeys = random.chance(0.8);
    const delay = obeys ? random.next() * 100 : process.killGraceMs;
    this.#after(delay, () => this.#over(null, obeys ? signal : 'SIGKILL', !obeys));
  }

  /** Its worker died: the guardian ends it. */
  orphaned(): void {
    const { random } = this.#options;
    this.#after(random.next() * 500, () => this.#over(null, 'SIGKILL', true));
  }

  #launch(): void {
    const { random, owners, process, worker } = this.#options;
    if (this.#mode !== 'launching') return;
    if ((owners.get(this.jobId) ?? 0) >= this.number) {
      this.#gone();
      worker.run(() => process.handlers.failed('another attempt owns the job', true));
      return;
    }
    owners.set(this.jobId, this.number);
    this.#mode = 'running';
    worker.run(() => process.handlers.started());
    this.#watch();
    const failsAtOnce = random.chance(0.1);
    const duration = failsAtOnce
      ? random.next() * 100
      : random.pick([50, 1_000, 10_000, 40_000]) * random.next();
    if (random.chance(0.3)) this.#write(random.integer(1, 5), duration / 6);
    this.#after(duration, () => {
      this.#exit(failsAtOnce || random.chance(0.05) ? random.integer(1, 255) : 0, random.chance(0.15));
    });
  }

  #write(times: number, everyMs: number): void {
    const { random, process, worker } = this.#options;
    if (times === 0 || this.#mode !== 'running') return;
    if (!this.#held) {
      const bytes = random.chance(0.05) ? 600_000 : random.pick([1, 1_000, 70_000]);
      const data = Buffer.alloc(bytes, times);
      this.#written += data.length;
      const stream = random.chance(0.2) ? 'stdout' : 'stderr';
      if (stream === 'stdout') this.#stdout += data.length;
      worker.run(() => process.handlers.output(stream, data));
    }
    this.#after(everyMs, () => this.#write(times - 1, everyMs));
  }

  #exit(code: number, isUnread: boolean): void {
    if (this.#mode !== 'running') return;
    if (this.#held) this.#exitWhenRead = () => this.#exit(code, isUnread);
    else {
      if (isUnread) this.#sayUnread();
      const [written, stdout] = [this.#written, this.#stdout];
      this.#options.exits.push({ jobId: this.jobId, attempt: this.number, code, written, stdout, isUnread });
      this.#over(code, null, false);
    }
  }

  #sayUnread(): void {
    const { worker, process } = this.#options;
    this.#written += UNREAD.length;
    worker.run(() => process.handlers.output('stderr', UNREAD));
  }

  #watch(): void {
    const { owners } = this.#options;
    this.#after(WATCH_MS, () => {
      if (this.#mode !== 'running') return;
      if ((owners.get(this.jobId) ?? 0) > this.number) this.#over(null, 'SIGKILL', true);
      else this.#watch();
    });
  }

  #over(exitCode: number | null, signal: string | null, forced: boolean): void {
    if (this.#mode === 'over') return;
    const { worker, process, owners } = this.#options;
    const superseded = (owners.get(this.jobId) ?? 0) > this.number;
    this.#gone();
    worker.run(() => process.handlers.ended({ exitCode, signal, forced, superseded }));
  }

  /** It stands still with its machine, and hangs with its storage: then no signal ends it either. */
  #after(ms: number, call: () => void): void {
    const { machine } = this.#options.worker;
    const whenItCan = (): void => {
      const waits = [machine.suspension, machine.storage].some((still) => still.holds('timer', whenItCan));
      if (!waits) call();
    };
    machine.after(ms, whenItCan);
  }

  #gone(): void {
    this.#mode = 'over';
    this.#options.live.delete(this);
  }
}
