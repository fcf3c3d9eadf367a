import { expect, test } from 'vitest';
import { TERM_MEMORY_MS, Terms } from '#shared/protocol/terms.ts';

test('the same term and higher ones are accepted, and none before them', () => {
  const terms = new Terms();
  expect([0, 3, 3, 5, 4].map((term) => terms.accepts(term, 0))).toEqual([true, true, true, true, false]);
  expect(terms.highest).toBe(5);
});

test('a term is remembered as long as its leader is there, and for a while after it was lost', () => {
  const terms = new Terms();
  terms.accepts(5, 0);
  expect(terms.accepts(4, 3_600_000)).toBe(false);
  terms.lost(3_600_000);
  expect(terms.accepts(4, 3_600_000 + TERM_MEMORY_MS - 1)).toBe(false);
  expect(terms.accepts(4, 3_600_000 + TERM_MEMORY_MS)).toBe(true);
  expect(terms.accepts(3, 3_600_000 + TERM_MEMORY_MS)).toBe(false);
});

test('where elections were switched off, peers come back after that while', () => {
  const terms = new Terms();
  terms.accepts(5, 0);
  terms.lost(0);
  expect([terms.accepts(0, TERM_MEMORY_MS - 1), terms.accepts(0, TERM_MEMORY_MS)]).toEqual([false, true]);
});
