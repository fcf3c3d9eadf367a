import { expect, test } from 'vitest';
import type { Message } from '#shared/protocol/messages.ts';
import { HeldJob } from '../../../pms/relay/heldJob.ts';
import { Reports } from '../../../pms/relay/reports.ts';
import { Timers } from '../../../pms/relay/timers.ts';
import { jobSpec } from '../core/world.ts';
import { FakeClock } from '../orchestrator/fakeClock.ts';

function reporting() {
  const clock = new FakeClock();
  const sent: string[] = [];
  const send = (message: Message<'relayToOrchestrator'>): void => {
    if (message.type === 'waiting') sent.push(`${message.attempt} ${message.waiting}`);
  };
  const reports = new Reports(new Timers(clock), send);
  const hook = { send: () => undefined, close: () => undefined };
  const place = { scopes: [], credential: null, localArgv: null };
  const job = new HeldJob(jobSpec('j'), hook, place, null, null);
  job.placed(1, 'w');
  const call = (): void => {
    job.calls += 1;
    reports.called(job);
  };
  const answer = (): void => {
    job.calls -= 1;
    reports.called(job);
  };
  return { clock, sent, reports, job, call, answer };
}

test('that a transcoder waits for PMS is told once a call has no answer for a second, and that it no longer does', () => {
  const { clock, sent, call, answer } = reporting();
  call();
  answer();
  clock.advance(5_000);
  expect(sent).toEqual([]);
  call();
  clock.advance(5_000);
  expect(sent).toEqual(['1 true']);
  answer();
  clock.advance(1_000);
  expect(sent).toEqual(['1 true', '1 false']);
});

test('it is told anew to another orchestrator, and of another attempt', () => {
  const { clock, sent, reports, job, call } = reporting();
  job.throttled = true;
  reports.submitted(job);
  reports.submitted(job);
  expect(sent).toEqual(['1 true', '1 true']);
  job.placed(2, 'w2');
  call();
  clock.advance(1_000);
  expect(sent).toEqual(['1 true', '1 true', '2 true']);
});
