import { expect, test } from 'vitest';
import { world } from './attemptsWorld.ts';

test('what a worker changed in a command is told once, and once more on the next connection', () => {
  const { records, attempts, want } = world(false, ['-hwaccel', 'cuda', '-y']);
  want(1);
  const told = {
    type: 'record',
    jobId: 'j',
    attempt: 1,
    splices: [{ at: 0, remove: 0, insert: ['-hwaccel', 'cuda'] }],
  };
  expect(records).toEqual([told]);
  attempts.resend();
  expect(records).toEqual([told, told]);
});

test('of a command that was not changed, and says nothing, nothing is told', () => {
  const { started, records, attempts, want } = world(true, ['-y']);
  want(1);
  started[0]?.handlers.ended({ exitCode: 1, signal: null, forced: false, superseded: false });
  attempts.resend();
  expect(records).toEqual([]);
});

test('the end of what a hook does not get is told with the end, and once more on the next connection', () => {
  const { started, records, sent, attempts, want } = world(true, ['-y']);
  want(1);
  started[0]?.handlers.output('stderr', Buffer.alloc(70_000, 'a'));
  started[0]?.handlers.output('stderr', Buffer.from('last'));
  expect(records).toEqual([]);
  started[0]?.handlers.ended({ exitCode: 1, signal: null, forced: false, superseded: false });
  attempts.resend();
  const stderr = Buffer.from(`${'a'.repeat(65_532)}last`).toString('base64');
  expect(records).toEqual([1, 2].map(() => ({ type: 'record', jobId: 'j', attempt: 1, stderr })));
  expect(sent).toEqual([]);
});

test('nor is one in why it was refused, which stays short enough to be told', () => {
  for (const value of ['pwd=short ', 'bare-plex-token ']) {
    const { started, attempts, want } = world(false, ['-y'], { X_PLEX_TOKEN: 'bare-plex-token' });
    want(1);
    started[0]?.handlers.failed(`no place for ${value.repeat(2_000)}`, false);
    const { reason, message } = attempts.statuses[0]?.outcome ?? {};
    expect(reason).toBe('refused');
    expect(message).toMatch(/^no place for [^ ]*\[redacted\] /);
    expect(message).not.toMatch(/short|bare-plex-token/);
    expect(message?.length).toBeLessThanOrEqual(8_192);
  }
});

test('a secret of the command is not in its transcoder’s last words', () => {
  const { started, attempts, want } = world(false, ['-y'], { X_PLEX_TOKEN: 'bare-plex-token' });
  want(1);
  started[0]?.handlers.output('stderr', Buffer.from(`${'x'.repeat(290)} bare-plex-token\nbare-plex-token`));
  started[0]?.handlers.ended({ exitCode: 1, signal: null, forced: false, superseded: false });
  expect(attempts.statuses[0]?.outcome?.message).toMatch(/^x{290} \[redacted\n\[redacted\]$/);
});
