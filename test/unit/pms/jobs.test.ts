import { beforeEach, expect, test } from 'vitest';
import {
  clock,
  EXITED,
  fence,
  freshStage,
  hold,
  jobs,
  lines,
  lose,
  output,
  reconnect,
  SPEC,
  sent,
  status,
  types,
} from './jobsStage.ts';

beforeEach(freshStage);

test('after a reconnect it asks for what was written meanwhile, as soon as the attempt is known', () => {
  const job = hold();
  status({});
  output(1, 'abc');
  jobs.received(job, { type: 'received', offset: 2 });
  reconnect();
  status({ state: 'queued', attempt: 1, worker: null });
  expect(types()).toEqual(['submit']);
  status({});
  expect(sent.at(-1)).toEqual({ type: 'received', jobId: 'j', attempt: 1, offset: 2, again: true });
  status({});
  expect(types()).toEqual(['submit', 'received']);
});

test('so it does when it did not even hear that the job was placed', () => {
  hold();
  reconnect();
  status({ state: 'ended', worker: null, outcome: { ...EXITED, stdoutBytes: 5 } });
  expect(sent.at(-1)).toEqual({ type: 'received', jobId: 'j', attempt: 1, offset: 0, again: true });
});

test('a hook that comes from another relay asks likewise', () => {
  hold({ received: 9, cursor: '3 4 0', runsHere: false });
  status({ attempt: 3 });
  expect(sent.at(-1)).toEqual({ type: 'received', jobId: 'j', attempt: 3, offset: 5, again: true });
});

test('nothing more is sent for a job that just runs', () => {
  hold();
  status({ state: 'queued', attempt: 0, worker: null });
  status({});
  status({ state: 'ended', worker: null, outcome: EXITED });
  expect(types()).toEqual(['submit', 'release']);
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 0 });
});

test('a signal outlives the connection over which it went', () => {
  const job = hold();
  status({});
  jobs.signalled(job, { type: 'signal', signal: 'SIGINT' });
  reconnect();
  expect(sent.at(-1)).toEqual({ type: 'end', jobId: 'j', signal: 'SIGINT' });
});

test('output that never comes makes the end a failure', () => {
  hold();
  status({});
  status({ state: 'ended', worker: null, outcome: { ...EXITED, stdoutBytes: 5 } });
  expect(lines.at(-1)).toEqual({ type: 'accepted' });
  clock.advance(10_000);
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 70 });
});

test('stderr that never comes is no failure of the transcoder', () => {
  hold();
  status({});
  output(1, 'frames');
  status({
    state: 'ended',
    worker: null,
    outcome: { ...EXITED, exitCode: 3, stdoutBytes: 6, stderrBytes: 5 },
  });
  expect(lines.at(-1)).toMatchObject({ type: 'output' });
  clock.advance(10_000);
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 3 });
});

test('a hook that comes from another relay has the stdout that it brought', () => {
  hold({ received: 9, cursor: '1 0 6', runsHere: false });
  status({ state: 'ended', worker: null, outcome: { ...EXITED, stdoutBytes: 6, stderrBytes: 5 } });
  clock.advance(10_000);
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 0 });
  hold({ received: 9, cursor: '1 0 6', runsHere: false });
  status({ state: 'ended', worker: null, outcome: { ...EXITED, stdoutBytes: 7, stderrBytes: 3 } });
  clock.advance(10_000);
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 70 });
});

test('a job of which PMS has read stdout is not begun again, neither elsewhere nor here', () => {
  hold();
  status({});
  output(1, 'abc', 'stderr');
  status({ attempt: 2, worker: 'x' });
  output(2, 'frames');
  status({ attempt: 3, worker: 'y' });
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 75 });
  expect(types()).toEqual(['submit', 'release']);
  hold();
  status({});
  output(1, 'frames');
  status({ state: 'ended', worker: null, outcome: { ...EXITED, exitCode: null, reason: 'lost' } });
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 75 });
});

test('a job whose hook goes while the orchestrator is away is taken from its worker', () => {
  const job = hold();
  status({});
  lose();
  jobs.hookClosed(job);
  expect(fence).toHaveBeenCalledExactlyOnceWith(SPEC, expect.any(Function));
});

test('one of which no orchestrator has heard is left alone, and so are all when the relay stops', () => {
  const job = hold();
  status({});
  jobs.stop();
  jobs.hookClosed(job);
  jobs.hookClosed(hold());
  expect(fence).not.toHaveBeenCalled();
});
