import { expect, test } from 'vitest';
import { MAX_CHECK_LENGTH } from '#shared/protocol/check.ts';
import { checksOf, type Findings } from '../../../worker/readiness.ts';

const FINE: Findings = {
  transcoder: { problem: null, note: null },
  storage: { problems: [], warnings: [] },
  codecs: { problem: null, warning: null },
  eae: { problem: null, licence: null },
  hardware: { problem: null },
  stopping: false,
  connected: true,
};

function eaeOf(eae: Findings['eae']) {
  return checksOf({ ...FINE, eae }).find(({ name }) => name === 'eae');
}

test('a licence is told with its end, if it has one', () => {
  const until = Date.parse('2027-01-02T03:04:05.000Z');
  expect(eaeOf({ problem: null, licence: { text: 'x', endsAt: until } })).toEqual({
    ...{ name: 'eae', ok: true, blocking: false },
    ...{ message: 'licensed until 2027-01-02T03:04:05.000Z', until },
  });
  expect(eaeOf({ problem: null, licence: { text: 'x', endsAt: null } })).not.toHaveProperty('until');
  expect(eaeOf({ problem: 'expired', licence: { text: 'x', endsAt: until } })).not.toHaveProperty('until');
});

test('what is wrong is never longer than the orchestrator takes', () => {
  const [check] = checksOf({
    ...FINE,
    transcoder: { problem: 'x'.repeat(MAX_CHECK_LENGTH + 1), note: null },
  });
  expect(check?.message).toHaveLength(MAX_CHECK_LENGTH);
});
