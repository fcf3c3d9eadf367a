import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Output } from '#shared/protocol/messages.ts';
import type { Before, RelayLine } from '../../../pms/hookProtocol.ts';
import { HeldJob } from '../../../pms/relay/heldJob.ts';

interface Heard {
  readonly job: HeldJob;
  readonly lines: RelayLine[];
  /** Everything that the hook was given, in order. */
  text(): string;
}

function held(before: Before | null = null): Heard {
  const lines: RelayLine[] = [];
  const hook = { send: (line: RelayLine) => void lines.push(line), close: () => undefined };
  const spec = {
    ...{
      jobId: 'j',
      session: null,
      jobClass: 'playback' as const,
      title: 't',
      local: true,
      env: {},
      plexPass: false,
      changes: [],
    },
    ...{ argv: ['-y'], cwd: '/' },
  };
  const job = new HeldJob(spec, hook, { scopes: [], credential: null, localArgv: null }, before, null);
  return {
    job,
    lines,
    text: () =>
      lines
        .map((line) => (line.type === 'output' ? Buffer.from(line.data, 'base64').toString() : ''))
        .join(''),
  };
}

function output(attempt: number, offset: number, text: string): Output {
  return {
    type: 'output',
    jobId: 'j',
    attempt,
    offset,
    stream: 'stdout',
    data: Buffer.from(text).toString('base64'),
  };
}

test('output that arrives again is passed on once, whole or in part', () => {
  const { job, text } = held();
  job.deliver(output(1, 0, 'abc'));
  job.deliver(output(1, 0, 'abc'));
  job.deliver(output(1, 1, 'bcde'));
  expect(text()).toBe('abcde');
});

test('a gap is not passed over: what is missing is asked for, once', () => {
  const { job, text } = held();
  job.deliver(output(1, 0, 'ab'));
  expect(job.deliver(output(1, 5, 'f'))).toEqual({ attempt: 1, offset: 0, again: true });
  expect(job.deliver(output(1, 6, 'g'))).toBeNull();
  expect(job.deliver(output(1, 2, 'cdef'))).toBeNull();
  expect(text()).toBe('abcdef');
});

test('a second attempt’s output follows the first’s, and the first’s comes no more', () => {
  const { job, text, lines } = held();
  job.deliver({ ...output(1, 0, 'first'), stream: 'stderr' });
  job.deliver(output(2, 0, 'second'));
  job.deliver(output(1, 5, 'late'));
  expect(text()).toBe('firstsecond');
  expect(lines.at(-1)).toMatchObject({ offset: 5 });
  job.wrote(4);
  expect(job.position(false)).toEqual({ attempt: 2, offset: 0, again: false });
  job.wrote(8);
  expect(job.position(true)).toEqual({ attempt: 2, offset: 3, again: true });
});

test('a hook that comes back to a new relay goes on where it stopped', () => {
  const { job, text, lines } = held({ received: 8, cursor: '4 5 0', runsHere: false });
  expect(job.position(true)).toEqual({ attempt: 4, offset: 3, again: true });
  job.deliver(output(4, 0, 'abcdef'));
  expect(text()).toBe('def');
  expect(lines).toEqual([expect.objectContaining({ offset: 8, cursor: '4 5 3' })]);
  job.wrote(11);
  expect(job.position(false)).toEqual({ attempt: 4, offset: 6, again: false });
});

test('a hook that brings output of an attempt that is gone gets that of the next one whole', () => {
  const { job, text } = held({ received: 8, cursor: '4 5 0', runsHere: false });
  job.deliver(output(5, 0, 'abc'));
  expect(text()).toBe('abc');
});

test('what is known already is acknowledged again: the first acknowledgement may have been lost', () => {
  const { job } = held();
  job.deliver(output(1, 0, 'abc'));
  job.wrote(2);
  expect(job.deliver(output(1, 0, 'abc'))).toEqual({ attempt: 1, offset: 2, again: false });
});

test('once PMS has read stdout of an attempt, no other can take its place', () => {
  const { job, text } = held();
  job.attempt = 1;
  job.deliver({ ...output(1, 0, 'log'), stream: 'stderr' });
  job.attempt = 2;
  expect(job.isBeyondRepeat).toBe(false);
  job.deliver(output(2, 0, 'frames'));
  expect(job.isBeyondRepeat).toBe(false);
  job.deliver(output(3, 0, 'before its status'));
  expect(text()).toBe('logframes');
  job.attempt = 3;
  expect(job.isBeyondRepeat).toBe(true);
});

test('the end waits for the output', () => {
  const { job } = held();
  job.attempt = 1;
  job.outcome = {
    reason: 'exited',
    exitCode: 0,
    signal: null,
    forced: false,
    message: null,
    stdoutBytes: 4,
    stderrBytes: 0,
    readError: null,
  };
  expect(job.isDelivered).toBe(false);
  job.deliver(output(1, 0, 'abcd'));
  expect(job.isDelivered).toBe(true);
});

test('however often and in whatever pieces output is repeated, the hook gets it once and in order', () => {
  const whole = 'the quick brown fox jumps over the lazy dog';
  const piece = fc.record({ from: fc.nat(whole.length), length: fc.nat(10) });
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const { job, text } = held();
      for (const { from, length } of pieces) {
        const position = job.deliver(output(1, from, whole.slice(from, from + length)));
        if (position?.again) job.deliver(output(1, position.offset, whole.slice(position.offset, from)));
      }
      expect(whole.startsWith(text())).toBe(true);
    }),
  );
});
