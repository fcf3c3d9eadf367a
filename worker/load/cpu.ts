import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** CPU time in microseconds that was used since some start, and how many CPUs may be used at once. */
interface CpuReading {
  readonly usedMicros: number;
  readonly cpus: number;
}

export type ReadFile = (path: string) => string;

const readText: ReadFile = (path) => readFileSync(path, 'utf8');

/**
 * The CPU load of this worker's cgroup, in percent of what the cgroup allows. The machine's own load would count
 * everybody's work, and 100 % of it would be out of reach of a container with a limit.
 */
export class CpuMeter {
  readonly #read: ReadFile;
  #last: { readonly at: number; readonly usedMicros: number } | null = null;

  constructor(read: ReadFile = readText) {
    this.#read = read;
  }

  /** CPUs that may be used at once, a fraction under a limit; at least 0.01. */
  get cpus(): number {
    return readCpu(this.#read).cpus;
  }

  /**
   * The load since the last call, 0 to 100; null at the first one.
   *
   * @param now milliseconds of a monotonic clock
   */
  measure(now: number): number | null {
    const { usedMicros, cpus } = readCpu(this.#read);
    const last = this.#last;
    this.#last = { at: now, usedMicros };
    if (last === null || now <= last.at) return null;
    const share = (usedMicros - last.usedMicros) / ((now - last.at) * 1_000 * cpus);
    return Math.min(100, Math.max(0, share * 100));
  }
}

function readCpu(read: ReadFile): CpuReading {
  return cgroup2(read) ?? cgroup1(read) ?? machine(read);
}

/** Inside a container its cgroup is the root of the mount; elsewhere /proc/self/cgroup names the directory. */
function cgroup2(read: ReadFile): CpuReading | null {
  const own = /^0::(.*)$/m.exec(attempt(read, '/proc/self/cgroup') ?? '')?.[1] ?? '/';
  for (const directory of [`/sys/fs/cgroup${own}`.replace(/\/$/, ''), '/sys/fs/cgroup']) {
    const usage = /^usage_usec (\d+)$/m.exec(attempt(read, `${directory}/cpu.stat`) ?? '')?.[1];
    if (usage === undefined) continue;
    const [quota, period] = (attempt(read, `${directory}/cpu.max`) ?? 'max').trim().split(' ');
    return { usedMicros: Number(usage), cpus: allowed(Number(quota), Number(period)) };
  }
  return null;
}

function cgroup1(read: ReadFile): CpuReading | null {
  const usage = attempt(read, '/sys/fs/cgroup/cpuacct/cpuacct.usage');
  if (usage === null) return null;
  const quota = Number(attempt(read, '/sys/fs/cgroup/cpu/cpu.cfs_quota_us') ?? -1);
  const period = Number(attempt(read, '/sys/fs/cgroup/cpu/cpu.cfs_period_us') ?? 100_000);
  return { usedMicros: Number(usage) / 1_000, cpus: allowed(quota, period) };
}

/** Ticks of 10 ms on every Linux there is. */
function machine(read: ReadFile): CpuReading {
  const fields = (attempt(read, '/proc/stat') ?? '')
    .split('\n', 1)
    .join('')
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields;
  return { usedMicros: (user + nice + system + irq + softirq) * 10_000, cpus: availableParallelism() };
}

function allowed(quota: number, period: number): number {
  const limit = quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY;
  return Math.max(0.01, Math.min(limit, availableParallelism()));
}

function attempt(read: ReadFile, path: string): string | null {
  try {
    return read(path);
  } catch {
    return null;
  }
}
