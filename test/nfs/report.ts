import { setTimeout as later } from 'node:timers/promises';

/** What a scenario took, and what was measured by hand when the design was made. */
export interface Measured {
  readonly scenario: string;
  readonly what: string;
  readonly ms: number;
  /** At most. */
  readonly limitMs: number;
  readonly before: string;
}

/** Each look is a process or more, of which an emulated processor starts few in a second. */
const LOOK_MS = 300;

const MARK = 'MEASURED ';

export function report(measured: Measured): void {
  process.stdout.write(`${MARK}${JSON.stringify(measured)}\n`);
  if (measured.ms > measured.limitMs) {
    throw new Error(`${measured.what}: ${measured.ms} ms, more than ${measured.limitMs}`);
  }
}

/** What a line of the virtual machine's console reports; null when it is something else. */
export function reported(line: string): Measured | null {
  const at = line.indexOf(MARK);
  // Only the program above writes it.
  return at === -1 ? null : (JSON.parse(line.slice(at + MARK.length)) as Measured);
}

/** Waits for it, but no longer. */
export async function within<T>(what: string, awaited: Promise<T>, limitMs: number): Promise<T> {
  const isOver = new AbortController();
  const late = later(limitMs, null, isOver).then(() => {
    throw new Error(`not within ${limitMs} ms: ${what}`);
  });
  try {
    return await Promise.race([awaited, late]);
  } finally {
    isOver.abort();
  }
}

/** Waits until the condition holds. @returns how long that took, in milliseconds */
export async function until(what: string, condition: () => boolean | Promise<boolean>, limitMs: number) {
  const since = performance.now();
  while (!(await condition())) {
    if (performance.now() - since > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await later(LOOK_MS);
  }
  return Math.round(performance.now() - since);
}
