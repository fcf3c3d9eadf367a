import { expect, test } from 'vitest';
import { type Cell, plain, tableRows } from '../../../cli/output.ts';
import { duration } from '../../../cli/times.ts';

function lines(rows: Cell[][]): string[] {
  return rows.map((cells) => cells.map((cell) => (typeof cell === 'string' ? cell : cell.text)).join(''));
}

test('columns are as wide as what is in them', () => {
  const rows = tableRows(
    ['A', 'LONGER'],
    [
      ['wide one', 'x'],
      [{ text: 'é', style: 'red' }, 'y'],
    ],
    80,
  );
  expect(lines(rows)).toEqual(['A         LONGER', 'wide one  x', 'é         y']);
});

test('the last column is wrapped where the terminal ends, under itself', () => {
  const rows = tableRows(['A', 'B'], [['name', 'one two three four five six']], 28);
  expect(lines(rows)).toEqual(['A     B', 'name  one two three four', '      five six']);
});

test('without a terminal, or in a narrow one, nothing is wrapped', () => {
  const text = 'one two three four five six seven eight nine ten';
  for (const width of [Number.POSITIVE_INFINITY, 10]) {
    expect(lines(tableRows(['A', 'B'], [['name', text]], width)).at(-1)).toBe(`name  ${text}`);
  }
});

test('nothing that comes from elsewhere controls the terminal', () => {
  expect(plain('a\x1b[31mred\x1b]0;title\x07\nb\u202ec')).toBe('ared b c');
});

test.each([
  [-5, '0s'],
  [59_000, '59s'],
  [192_000, '3m12s'],
  [18_420_000, '5h07m'],
  [187_200_000, '2d04h'],
])('%i ms is %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
