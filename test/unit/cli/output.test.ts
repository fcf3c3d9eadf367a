import { PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { type Cell, Output, plain, tableRows } from '../../../cli/output.ts';
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

test.each([
  ['a terminal', { isTTY: true, NO_COLOR: '', TERM: 'xterm' }, '\x1b[31mred\x1b[39m\n'],
  ['a terminal of somebody who wants none', { isTTY: true, NO_COLOR: '1', TERM: 'xterm' }, 'red\n'],
  ['a terminal that knows none', { isTTY: true, NO_COLOR: '', TERM: 'dumb' }, 'red\n'],
  ['a pipe', { isTTY: false, NO_COLOR: '', TERM: 'xterm' }, 'red\n'],
])('colours: %s', (_, { isTTY, ...env }, text) => {
  for (const [name, value] of Object.entries({ FORCE_COLOR: '1', ...env })) vi.stubEnv(name, value);
  const stream = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY });
  new Output(stream).line({ text: 'red', style: 'red' });
  expect(stream.read()).toBe(text);
  vi.unstubAllEnvs();
});

test('an empty table says so to people, and leaves programs their lines', () => {
  const shown = [true, false].map((isTTY) => {
    const stream = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY });
    new Output(stream).table(['A', 'B'], []);
    return plain(String(stream.read())).trim();
  });
  expect(shown).toEqual(['A  B none', 'A  B']);
});
