/** The group of workers that don't say theirs. */
export const DEFAULT_GROUP = 'default';

/** How many workers there should be, whatever jobs need. */
export interface Bounds {
  readonly minimum: number;
  readonly maximum: number;
  readonly desired: number;
}

/** What was asked for of a group of workers. */
export interface GroupSpec extends Bounds {
  /** Who brings reality into line: this orchestrator, something that reads the scale, or nobody. */
  readonly scalable: 'local' | 'infra' | false;
  /** So many are kept until nobody has asked for anything for `idleMs`; then `minimum` counts. */
  readonly warm: number;
  readonly idleMs: number;
  /** How long what jobs needed goes on to count, so that the scale does not flap. */
  readonly stabilisationMs: number;
}

/** Of groups that nobody has specified: told, and left alone. */
export const UNSPECIFIED: GroupSpec = {
  ...{ scalable: false, minimum: 0, maximum: 10_000, desired: 0 },
  ...{ warm: 0, idleMs: 0, stabilisationMs: 300_000 },
};

/** Keeps what it can't reconcile from happening: the last given bound moves the others. */
export function changed(spec: GroupSpec, change: Partial<Bounds>): GroupSpec {
  const next = { ...spec, ...change };
  if (change.maximum !== undefined && next.minimum > next.maximum) next.minimum = next.maximum;
  next.maximum = Math.max(next.minimum, next.maximum);
  return { ...next, desired: clamp(next.desired, next) };
}

export function clamp(value: number, { minimum, maximum }: Pick<Bounds, 'minimum' | 'maximum'>): number {
  return Math.min(maximum, Math.max(minimum, value));
}
