import type { Clock, Timer } from '#shared/clock.ts';
import type { GpuLoad, Load as LoadReading } from '#shared/protocol/messages.ts';
import { benchmark } from './benchmark.ts';
import { CpuMeter } from './cpu.ts';

/** Shorter intervals would measure noise. */
const MIN_INTERVAL_MS = 100;

/** Measures the worker's load again and again. */
export class LoadMeter {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #measured: (load: LoadReading) => void;
  readonly #gpus: () => readonly GpuLoad[];
  readonly #meter = new CpuMeter();
  #load: LoadReading = { cpu: 0, ops: 0 };
  #timer: Timer | null = null;
  #stopped = false;

  constructor(
    clock: Clock,
    intervalMs: number,
    gpus: () => readonly GpuLoad[],
    measured: (load: LoadReading) => void,
  ) {
    this.#clock = clock;
    this.#intervalMs = Math.max(MIN_INTERVAL_MS, intervalMs);
    this.#gpus = gpus;
    this.#measured = measured;
  }

  get load(): LoadReading {
    return this.#load;
  }

  get cpus(): number {
    return this.#meter.cpus;
  }

  start(benchmarkMs: number): void {
    void benchmark(benchmarkMs).then((ops) => {
      this.#load = { ...this.#load, ops };
    });
    this.#measure();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #measure(): void {
    if (this.#stopped) return;
    const cpu = this.#meter.measure(this.#clock.now());
    if (cpu !== null) {
      const gpus = this.#gpus();
      this.#load = { ops: this.#load.ops, cpu, ...(gpus.length > 0 && { gpus: [...gpus] }) };
      this.#measured(this.#load);
    }
    this.#timer = this.#clock.after(this.#intervalMs, () => this.#measure());
  }
}
