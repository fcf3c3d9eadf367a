import { expect, test } from 'vitest';
import { RecordViews } from '../../../orchestrator/api/recordViews.ts';
import type { Attempt, Job } from '../../../orchestrator/core/model.ts';
import { Records } from '../../../orchestrator/records.ts';
import { ended, running, World } from '../core/world.ts';

const TOKEN = 'plexs-own-token';
const ARGV = ['-loglevel', 'error', '-i', `http://pms/x?X-Plex-Token=${TOKEN}`, '-codec:0', 'h264', 'out'];

function stage({ records: says = true, mostBytes = 1e6 } = {}) {
  const world = World.settled();
  const worker = world.worker('w1', { slots: 9, records: says });
  const relay = world.relay();
  const records = new Records(world.cluster, mostBytes);
  const views = new RecordViews(records, ['our-own-token']);
  const watch = (effects: ReturnType<World['report']>): void => {
    for (const effect of effects) if (effect.type === 'job-changed') records.observe(effect);
  };
  const live = new Set<string>();
  const start = (jobId: string): { job: Job; attempt: Attempt } => {
    world.submit(relay, jobId, { argv: ARGV });
    live.add(jobId);
    watch(
      world.report(
        worker,
        [...live].map((id) => running(id)),
      ),
    );
    const job = world.cluster.jobs.get(jobId);
    const attempt = job?.current;
    if (!job || !attempt) throw new Error('it does not run');
    return { job, attempt };
  };
  const end = (jobId: string, outcome = {}): void => {
    live.delete(jobId);
    watch(world.report(worker, [...[...live].map((id) => running(id)), ended(jobId, outcome)]));
  };
  return { records, views, start, end };
}

test('a command that nobody changed is shown as it was given, without its secrets', () => {
  const { records, views, start } = stage();
  const { job } = start('j');
  records.given(job, []);
  const shown = 'http://pms/x?X-Plex-Token=[redacted]';
  expect(views.command(job)).toEqual({
    jobId: 'j',
    argv: ARGV.with(3, shown),
    lines: [['-loglevel', 'error'], ['-i', shown], ['-codec:0', 'h264'], ['out']],
    isGiven: true,
    attempts: [{ attempt: 1, worker: 'w1', ran: 'as-given', argv: null, difference: null }],
  });
});

test('what relay and worker changed is shown against what PMS gave', () => {
  const { records, views, start } = stage();
  const { job, attempt } = start('j');
  records.given(job, [{ at: 1, remove: 1, insert: ['quiet'] }]);
  records.told(attempt, {
    ...{ type: 'record', jobId: 'j', attempt: 1 },
    splices: [{ at: 4, remove: 0, insert: ['-token', 'very-secret'] }],
  });
  const { argv, attempts } = views.command(job);
  expect(argv.slice(0, 2)).toEqual(['-loglevel', 'quiet']);
  expect(attempts[0]).toMatchObject({
    ran: 'changed',
    argv: expect.arrayContaining(['-token', '[redacted]']),
  });
  expect(attempts[0]?.difference?.map(({ change, line }) => `${change} ${line.join(' ')}`)).toEqual([
    'removed -loglevel quiet',
    'added -loglevel error',
    'kept -i http://pms/x?X-Plex-Token=[redacted]',
    'added -token [redacted]',
    'kept -codec:0 h264',
    'kept out',
  ]);
  expect(JSON.stringify(views.command(job))).not.toMatch(/plexs-own|very-secret/);
});

test('what an older worker or relay does not say is not known, nor what does not fit', () => {
  const older = stage({ records: false });
  const { job } = older.start('j');
  expect(older.views.command(job)).toMatchObject({
    isGiven: false,
    attempts: [{ ran: 'unknown', argv: null }],
  });
  const { records, views, start } = stage();
  const wrong = start('j');
  const splices = [{ at: 99, remove: 1, insert: [] }];
  records.given(wrong.job, splices);
  records.told(wrong.attempt, { type: 'record', jobId: 'j', attempt: 1, splices });
  expect(views.command(wrong.job)).toMatchObject({ isGiven: false, attempts: [{ ran: 'unknown' }] });
});

test('what is too long to be kept of every job is not known', () => {
  const { records, views, start } = stage();
  const { job, attempt } = start('j');
  const splices = [{ at: 0, remove: 0, insert: Array.from({ length: 200_000 }, () => 'x') }];
  records.given(job, splices);
  records.told(attempt, { type: 'record', jobId: 'j', attempt: 1, splices });
  expect(records.givenOf(job)).toBeNull();
  expect(records.splicesOf(attempt)).toBeNull();
  expect(views.command(job)).toMatchObject({ isGiven: false, attempts: [{ ran: 'unknown' }] });
});

const base64 = (text: string) => Buffer.from(text).toString('base64');

test('stderr is what passed, once, and while it runs whole lines only', () => {
  const { records, views, start, end } = stage();
  const { job, attempt } = start('j');
  expect(views.stderr(job, attempt)).toBe('');
  records.said(attempt, { stream: 'stderr', offset: 0, data: base64('one\ntw') });
  records.said(attempt, { stream: 'stderr', offset: 0, data: base64('one\ntw') });
  expect(views.stderr(job, attempt)).toBe('one\n');
  records.said(attempt, { stream: 'stderr', offset: 6, data: base64('o\nthree') });
  expect(views.stderr(job, attempt)).toBe('one\ntwo\n');
  end('j', { exitCode: 1 });
  expect(views.stderr(job, attempt)).toBe('one\ntwo\nthree');
});

test('what follows a gap waits for what is missing, so that no line is made of two halves', () => {
  const { records, views, start } = stage();
  const { job, attempt } = start('j');
  const parts = [`its X-Plex-`, `Token=${TOKEN}\n`, 'over\n'].map(base64);
  const said = (part: number, offset: number) =>
    records.said(attempt, { stream: 'stderr', offset, data: parts[part] ?? '' });
  said(0, 0);
  // Its relay was away, and asks for the rest of it again.
  said(2, 33);
  expect(views.stderr(job, attempt)).toBe('');
  said(1, 11);
  said(2, 33);
  expect(views.stderr(job, attempt)).toBe('its X-Plex-Token=[redacted]\nover\n');
});

test('of stderr that was cut the first line is left out, which may begin with half a secret', () => {
  const { records, views, start } = stage();
  const { job, attempt } = start('j');
  records.said(attempt, { stream: 'stderr', offset: 0, data: base64(`${TOKEN}${'x'.repeat(65_520)}`) });
  records.said(attempt, {
    stream: 'stderr',
    offset: 65_535,
    data: base64(`\nthen ${TOKEN} of our-own-token\n`),
  });
  expect(views.stderr(job, attempt)).toBe('then [redacted] of [redacted]\n');
  records.said(attempt, { stream: 'stderr', offset: 65_574, data: base64('y'.repeat(70_000)) });
  expect(views.stderr(job, attempt)).toBe('');
});

test('so is that of an attempt whose beginning was not seen', () => {
  for (const stream of ['stderr', 'stdout'] as const) {
    const { records, views, start } = stage();
    const { job, attempt } = start('j');
    records.said(attempt, { stream, offset: 5, data: base64('token\n') });
    records.said(attempt, { stream: 'stderr', offset: 11, data: base64('of-pms\nthen\n') });
    expect(views.stderr(job, attempt)).toBe(stream === 'stderr' ? 'of-pms\nthen\n' : 'then\n');
  }
});

test('what was first on stdout keeps nothing of stderr from being seen', () => {
  const { records, views, start } = stage();
  const { job, attempt } = start('j');
  records.said(attempt, { stream: 'stdout', offset: 0, data: base64('film') });
  records.said(attempt, { stream: 'stderr', offset: 4, data: base64('why\n') });
  expect(views.stderr(job, attempt)).toBe('why\n');
});

test('of an attempt that was lost a last line that may be half of one is left out', () => {
  const { records, views, start, end } = stage();
  const { job, attempt } = start('j');
  records.said(attempt, { stream: 'stderr', offset: 0, data: base64('one\nour-own-') });
  end('j', { reason: 'lost', exitCode: null });
  expect(views.stderr(job, attempt)).toBe('one\n');
});

test('when all together are too long, the oldest that has ended goes first', () => {
  const { records, start, end } = stage({ mostBytes: 300_000 });
  const attempts = ['a', 'b', 'c'].map((jobId) => start(jobId).attempt);
  const [a, b, c] = attempts;
  end('b', { exitCode: 1 });
  for (const attempt of attempts)
    records.said(attempt, { stream: 'stderr', offset: 0, data: base64('z'.repeat(60_000)) });
  const lengths = () => [a, b, c].map((attempt) => attempt && records.stderrOf(attempt).length);
  expect(lengths()).toEqual([60_000, 0, 60_000]);
  for (const offset of [60_000, 120_000]) {
    for (const attempt of [a, c])
      if (attempt) records.said(attempt, { stream: 'stderr', offset, data: base64('z'.repeat(60_000)) });
  }
  expect(lengths()).toEqual([65_536, 0, 65_536]);
});

test('command and output are kept of what ended badly, and of nothing else', () => {
  const { records, views, start, end } = stage();
  const kept = (jobId: string, outcome: object) => {
    const { job, attempt } = start(jobId);
    records.said(attempt, { stream: 'stderr', offset: 0, data: base64('words') });
    expect(views.kept(job)).toBeNull();
    end(jobId, outcome);
    return views.kept(job);
  };
  expect(kept('good', { exitCode: 0 })).toBeNull();
  expect(kept('asked', { reason: 'cancelled', signal: 'SIGTERM' })).toBeNull();
  expect(kept('bad', { exitCode: 3 })).toMatchObject({
    command: { jobId: 'bad' },
    stderr: [{ attempt: 1, text: 'words' }],
  });
});
