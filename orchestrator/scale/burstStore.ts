import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';

const strict = { additionalProperties: false };

/** Dates end at 8.64e15, and the time of day may be set meanwhile. */
const LATEST = 8e15;

/** A burst as it outlives the orchestrator: it ends at a time of day, in milliseconds since 1970. */
const KeptBurst = Type.Object(
  {
    group: Type.String({ maxLength: 256 }),
    workers: Type.Integer({ minimum: 0, maximum: 10_000 }),
    until: Type.Number({ minimum: 0, maximum: LATEST }),
  },
  strict,
);
export type KeptBurst = Static<typeof KeptBurst>;

const kept = Compile(Type.Object({ bursts: Type.Array(KeptBurst) }, strict));

/** Where bursts outlive the orchestrator. Neither rejects: what can't be read or kept is told, and ends with the process. */
export interface BurstStore {
  read(): Promise<readonly KeptBurst[]>;
  write(bursts: readonly KeptBurst[]): Promise<void>;
}

export function burstsAsText(bursts: readonly KeptBurst[]): string {
  return JSON.stringify({ bursts });
}

/** @throws Error where it is not what was written */
export function burstsInText(text: string): readonly KeptBurst[] {
  const given: unknown = JSON.parse(text);
  if (kept.Check(given)) return given.bursts;
  throw new Error('it is not what was written into it');
}
