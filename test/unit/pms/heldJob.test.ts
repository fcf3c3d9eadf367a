import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Output } from '#shared/protocol/messages.ts';
import type { RelayLine } from '../../../pms/hookProtocol.ts';
import { HeldJob } from '../../../pms/relay/heldJob.ts';

interface Heard {
  readonly job: HeldJob;
  readonly lines: RelayLine[];
  /** Everything that the hook was given, in order. */
  text(): string;
}

function held(received = 0): Heard {
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
      changes: [],
    },
    ...{ argv: ['-y'], cwd: '/' },
  };
  const job = new HeldJob(spec, hook, { scopes: [], credential: null }, received === 0 ? null : { received });
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

test('a gap is not passed over: it says from where to send again', () => {
  const { job, text } = held();
  job.deliver(output(1, 0, 'ab'));
  expect(job.deliver(output(1, 5, 'f'))).toEqual({ missingFrom: 2 });
  expect(job.deliver(output(1, 2, 'cdef'))).toBeNull();
  expect(text()).toBe('abcdef');
});

test('a second attempt’s output follows the first’s, and the first’s comes no more', () => {
  const { job, text, lines } = held();
  job.deliver(output(1, 0, 'first'));
  job.deliver(output(2, 0, 'second'));
  job.deliver(output(1, 5, 'late'));
  expect(text()).toBe('firstsecond');
  expect(lines.at(-1)).toMatchObject({ offset: 5 });
  expect(job.acknowledged(8)).toEqual({ attempt: 2, offset: 3 });
  expect(job.acknowledged(4)).toBeNull();
});

test('a hook that comes back to a new relay goes on where it stopped', () => {
  const { job, text, lines } = held(3);
  job.deliver(output(4, 0, 'abcdef'));
  expect(text()).toBe('def');
  expect(lines).toEqual([expect.objectContaining({ offset: 3 })]);
  expect(job.acknowledged(6)).toEqual({ attempt: 4, offset: 6 });
});

test('the end waits for the output', () => {
  const { job } = held();
  job.attempt = 1;
  job.outcome = { reason: 'exited', exitCode: 0, signal: null, forced: false, message: null, outputBytes: 4 };
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
        const gap = job.deliver(output(1, from, whole.slice(from, from + length)));
        if (gap) job.deliver(output(1, gap.missingFrom, whole.slice(gap.missingFrom, from)));
      }
      expect(whole.startsWith(text())).toBe(true);
    }),
  );
});
