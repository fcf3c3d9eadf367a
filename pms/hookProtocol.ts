import { type Static, type TSchema, Type } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { ByteString } from '#shared/bytes.ts';
import { coerceError } from '#shared/errors.ts';
import { EndSignal, JobId } from '#shared/job.ts';
import { firstProblem, type ReadResult } from '#shared/protocol/codec.ts';
import { OutputStream } from '#shared/protocol/messages.ts';

const strict = { additionalProperties: false };
const Count = Type.Integer({ minimum: 0 });

/** Attempt, where in the hook's output that attempt's begins, and its bytes of stdout so far: opaque to the hook. */
const Cursor = Type.String({ pattern: '^\\d{1,15} \\d{1,15} \\d{1,15}$' });

/** What a hook brings with it from a relay that is gone. */
const Before = Type.Object(
  {
    /** Bytes of output that the hook has written. */
    received: Count,
    /** As the last output that it has written said; null when it has written none. */
    cursor: Type.Union([Cursor, Type.Null()]),
    /** It runs the original transcoder by now, whose callbacks come to the Local Relay. */
    runsHere: Type.Boolean(),
  },
  strict,
);
export type Before = Static<typeof Before>;

export const JobLine = Type.Object(
  {
    type: Type.Literal('job'),
    jobId: JobId,
    argv: Type.Array(ByteString),
    /** PMS's whole environment: the relay decides what of it may leave the host. */
    env: Type.Record(Type.String(), ByteString),
    cwd: ByteString,
    /** Whether the hook may run the original transcoder itself. */
    local: Type.Boolean(),
    verbose: Type.Boolean(),
    /** A relay has accepted this job before, so that a worker may be running it; null when none has. */
    before: Type.Union([Before, Type.Null()]),
    /** When its process started, in milliseconds since 1970; absent from older hooks. */
    startedAt: Type.Optional(Type.Number({ minimum: 0 })),
  },
  strict,
);
export type JobLine = Static<typeof JobLine>;

export const SignalLine = Type.Object({ type: Type.Literal('signal'), signal: EndSignal }, strict);
export type SignalLine = Static<typeof SignalLine>;

export const ReceivedLine = Type.Object({ type: Type.Literal('received'), offset: Count }, strict);
export type ReceivedLine = Static<typeof ReceivedLine>;

export const AcceptedLine = Type.Object({ type: Type.Literal('accepted') }, strict);
export type AcceptedLine = Static<typeof AcceptedLine>;

export const OutputLine = Type.Object(
  {
    type: Type.Literal('output'),
    stream: OutputStream,
    data: Type.String(),
    /** Bytes of both streams that came before. */
    offset: Count,
    cursor: Cursor,
  },
  strict,
);
export type OutputLine = Static<typeof OutputLine>;

export const ExitLine = Type.Object(
  { type: Type.Literal('exit'), code: Type.Integer({ minimum: 0, maximum: 255 }) },
  strict,
);
export type ExitLine = Static<typeof ExitLine>;

export const LocalLine = Type.Object(
  {
    type: Type.Literal('local'),
    reason: Type.String(),
    /** With which to go on where PMS is, beside this connection; null: PMS's own command, and no relay any more. */
    argv: Type.Union([Type.Array(ByteString), Type.Null()]),
  },
  strict,
);
export type LocalLine = Static<typeof LocalLine>;

/** Every line, by direction. */
export const LINES = {
  hookToRelay: { job: JobLine, signal: SignalLine, received: ReceivedLine },
  relayToHook: { accepted: AcceptedLine, output: OutputLine, exit: ExitLine, local: LocalLine },
} as const;

export type HookLine = JobLine | SignalLine | ReceivedLine;
export type RelayLine = AcceptedLine | OutputLine | ExitLine | LocalLine;

export type LineDirection = keyof typeof LINES;
interface LinesOf {
  hookToRelay: HookLine;
  relayToHook: RelayLine;
}
export type Line<D extends LineDirection> = LinesOf[D];

export interface LineReader<D extends LineDirection> {
  read(text: string): ReadResult<Line<D>>;
}

/** Reads lines of one direction. Compiles its validators once: make one per direction, not one per connection. */
export function lineReader<D extends LineDirection>(direction: D): LineReader<D> {
  const validators = new Map<string, Validator>(
    Object.entries(LINES[direction]).map(([type, schema]: [string, TSchema]) => [type, Compile(schema)]),
  );
  return {
    read(text) {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (error) {
        return { problem: `not JSON: ${coerceError(error).message.slice(0, 80)}` };
      }
      const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
      const validator = typeof type === 'string' ? validators.get(type) : undefined;
      if (!validator) return { problem: `no such line: ${JSON.stringify(type)?.slice(0, 40)}` };
      if (!matches<Line<D>>(validator, value))
        return { problem: `${type}: ${firstProblem(validator, value)}` };
      return { message: value };
    },
  };
}

export function encodeLine<D extends LineDirection>(line: Line<D>): string {
  return `${JSON.stringify(line)}\n`;
}

/** TypeBox derives types from the schema constant, which a map of validators no longer knows: the caller names it. */
function matches<M>(validator: Validator, value: unknown): value is M {
  return validator.Check(value);
}
