import { beforeEach, expect, test } from 'vitest';
import {
  ACCEPTED,
  clock,
  dropped,
  EXITED,
  fence,
  freshStage,
  handlers,
  hold,
  jobs,
  LIST,
  lines,
  link,
  lose,
  output,
  RETURNED,
  reconnect,
  SEGMENTED,
  sent,
  status,
  types,
} from './jobsStage.ts';

beforeEach(freshStage);

const FOLLOWING = 'm-00002.ts,2.000000,3.000000\n';

test('what an earlier relay left is told, and makes the next attempt’s announcements follow', () => {
  const job = hold(RETURNED, SEGMENTED, ACCEPTED);
  expect(sent).toMatchObject([
    { type: 'submit', attempt: 2 },
    { type: 'checkpoint', attempt: 2, announced: 2, resume: { segment: 2, seconds: 2 } },
  ]);
  // Whoever calls may be an attempt of which this relay has not heard yet.
  expect(job.announcements.join(FOLLOWING).document).toBe(LIST + FOLLOWING);
  status({ attempt: 3 });
  expect(job.announcements.join(FOLLOWING).document).toBe(LIST + FOLLOWING);
});

test('what calls while no orchestrator can say whose it is follows what PMS has', () => {
  const job = hold(null, SEGMENTED);
  status({});
  lose();
  expect(job.announcements.join(LIST).document).toBe(LIST);
  job.announcements.accepted(LIST);
  expect(job.announcements.join(LIST + FOLLOWING).document).toBe(LIST + FOLLOWING);
  expect(job.announcements.join(FOLLOWING).document).toBe(LIST + FOLLOWING);
});

test('an orchestrator that stays away loses a running job to its hook, which goes on where PMS is', () => {
  const job = hold(null, SEGMENTED);
  status({});
  job.announcements.accepted(LIST);
  lose();
  clock.advance(59_999);
  expect(fence).not.toHaveBeenCalled();
  clock.advance(1);
  expect(fence).toHaveBeenCalledExactlyOnceWith(SEGMENTED, expect.any(Function));
  // A worker may write until it has looked.
  clock.advance(1_999);
  expect(lines).toEqual([{ type: 'accepted' }]);
  clock.advance(1);
  expect(lines.at(-1)).toMatchObject({
    type: 'local',
    argv: expect.arrayContaining(['-segment_start_number', '2']),
  });
  expect(job.announcements.isJoined).toBe(true);
  reconnect();
  expect(handlers.hello()).toMatchObject({ jobs: [] });
  status({ attempt: 2 });
  jobs.accepted(job);
  lose();
  clock.advance(100_000);
  expect(sent).toEqual([]);
  jobs.hookClosed(job);
  expect(dropped).toHaveBeenCalledExactlyOnceWith(job);
  expect(fence).toHaveBeenCalledTimes(1);
});

test('one of which PMS has nothing runs from its beginning, and one that may not run here ends with 75', () => {
  hold();
  status({});
  lose();
  clock.advance(62_000);
  expect(lines.at(-1)).toMatchObject({ type: 'local', argv: null });
  link.up = true;
  hold(null, { ...SEGMENTED, local: false });
  status({});
  lose();
  clock.advance(60_000);
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 75 });
  expect(fence).toHaveBeenCalledTimes(2);
});

test('one of which PMS has read stdout ends with 75, and one that PMS has whole with 0', () => {
  hold();
  status({});
  output(1, 'frames');
  lose();
  clock.advance(60_000);
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 75 });
  hold(RETURNED, SEGMENTED, { ...ACCEPTED, duration: 2 });
  clock.advance(60_000);
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 0 });
});

test('as long as the owner file can’t be written it does not go on here', () => {
  const answers: ((fenced: boolean) => void)[] = [];
  fence.mockImplementation((_job, done) => void answers.push(done));
  hold(null, SEGMENTED);
  status({});
  lose();
  clock.advance(160_000);
  answers[0]?.(false);
  clock.advance(100_000);
  expect([answers.length, lines]).toEqual([2, [{ type: 'accepted' }]]);
  answers[1]?.(true);
  clock.advance(1_999);
  expect(lines).toEqual([{ type: 'accepted' }]);
  clock.advance(1);
  expect(lines.at(-1)).toMatchObject({ type: 'local' });
});

test('PMS ends one whose owner file can’t be written', () => {
  fence.mockReset();
  const job = hold(null, SEGMENTED);
  status({});
  lose();
  clock.advance(60_000);
  const [, done] = fence.mock.calls[0] ?? [];
  jobs.hookClosed(job);
  done?.(false);
  clock.advance(100_000);
  expect(fence).toHaveBeenCalledTimes(1);
});

test('PMS ends a job that is being taken over', () => {
  const job = hold(null, SEGMENTED);
  status({});
  lose();
  clock.advance(60_000);
  link.up = true;
  jobs.signalled(job, { type: 'signal', signal: 'SIGINT' });
  clock.advance(10_000);
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 130 });
});

test('a job that no worker goes on with is released, and goes on here', () => {
  const job = hold(null, SEGMENTED);
  status({});
  job.announcements.accepted(LIST);
  status({ state: 'ended', worker: null, outcome: { ...EXITED, exitCode: null, reason: 'no-worker' } });
  expect(types()).toEqual(['submit', 'release']);
  expect(sent.at(-1)).toEqual({ type: 'release', jobId: 'j', onPms: true });
  clock.advance(20_000);
  expect(lines.at(-1)).toMatchObject({
    type: 'local',
    argv: expect.arrayContaining(['-segment_start_number', '2']),
  });
});

test('the orchestrator is told of what begins anew here, too, and not of what a worker has ended', () => {
  hold();
  status({ state: 'ended', attempt: 0, outcome: { ...EXITED, exitCode: null, reason: 'no-worker' } });
  expect(sent.at(-1)).toEqual({ type: 'release', jobId: 'j', onPms: true });
  hold();
  status({});
  status({ state: 'ended', outcome: EXITED });
  expect(sent.at(-1)).toEqual({ type: 'release', jobId: 'j' });
});

test('a hook that runs its job comes back to another relay as that, and the orchestrator hears nothing', () => {
  const job = hold({ ...RETURNED, runsHere: true }, SEGMENTED, ACCEPTED);
  expect([lines, sent]).toEqual([[{ type: 'accepted' }], []]);
  expect(job.announcements.isJoined).toBe(true);
  jobs.hookClosed(job);
  expect(fence).not.toHaveBeenCalled();
});
