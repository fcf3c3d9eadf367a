/** A segment as a document announces it; times in seconds. */
export interface Segment {
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

/** How two runs of consecutive segments become one: the first `kept` of the earlier, the later one from `from` on. */
export interface Seam {
  readonly kept: number;
  readonly from: number;
}

/** A number names a segment only together with its start: with copied video a run may cut elsewhere. */
const SAME_START = 0.1;

/** Null where what was announced would disappear, change or go backwards, or a number be left out. */
export function seam(before: readonly Segment[], next: readonly Segment[]): Seam | null {
  const [opening] = before;
  const last = before.at(-1);
  if (!opening || !last) return { kept: 0, from: 0 };
  const [first] = next;
  if (!first || first.number > last.number + 1) return null;
  const kept = Math.max(0, first.number - opening.number);
  const from = Math.max(0, opening.number - first.number);
  const agree = before.slice(kept).every(({ start }, index) => {
    // None while the later attempt has not caught up.
    const again = next[from + index];
    return again !== undefined && Math.abs(again.start - start) <= SAME_START;
  });
  if (!agree || (kept === before.length && first.start <= last.start)) return null;
  return { kept, from };
}
