import type { Summary } from './percentiles.ts';

/** One line of a benchmark's table. */
export interface Row {
  readonly name: string;
  readonly summary: Summary;
}

/** What was measured against something that was measured in the same run. */
export interface Ratio {
  readonly name: string;
  readonly value: number;
  /** What we want it to be; null when it is only told. */
  readonly target: { readonly atMost: number } | { readonly atLeast: number } | null;
}

/** Something over something else: latency over load, memory over the size of a fleet. */
export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
}

export interface Result {
  readonly name: string;
  /** Of the rows: `ms`, `jobs/s`. */
  readonly unit: string;
  readonly rows: readonly Row[];
  readonly ratios: readonly Ratio[];
  /** Other figures, in words. */
  readonly notes?: readonly string[];
  readonly plots?: readonly Plot[];
}

export function isReached({ value, target }: Ratio): boolean | null {
  if (target === null) return null;
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
}
