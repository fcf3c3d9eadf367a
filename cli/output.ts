import { stripVTControlCharacters, styleText } from 'node:util';
import { environment } from '#shared/settings/environment.ts';

export type Style = 'red' | 'green' | 'yellow' | 'dim' | 'bold';

/** Text, and how it is to look on a terminal. */
export type Cell = string | { readonly text: string; readonly style: Style };

const GAP = '  ';
/** Narrower than this nothing is wrapped: it would be no table any more. */
const NARROWEST = 20;

/** Titles and messages come from elsewhere: none may control the terminal. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\p{Cf}]+/gu, ' ');
}

type Stream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** What the commands print. Colours: on a terminal, and not with NO_COLOR. */
export class Output {
  readonly #stream: Stream;
  readonly #hasColours: boolean;

  constructor(stream: Stream) {
    this.#stream = stream;
    const { NO_COLOR, TERM } = environment();
    this.#hasColours = stream.isTTY === true && !NO_COLOR && TERM !== 'dumb';
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  line(...cells: readonly Cell[]): void {
    this.#stream.write(
      `${cells
        .map((cell) => this.styled(cell))
        .join('')
        .trimEnd()}\n`,
    );
  }

  /** As it is. */
  text(text: string): void {
    this.#stream.write(text);
  }

  /** For programs. */
  json(value: unknown): void {
    this.#stream.write(`${JSON.stringify(value, null, this.isTerminal ? 2 : undefined)}\n`);
  }

  /** For programs that read what does not end. */
  lineOfJson(value: unknown): void {
    this.#stream.write(`${JSON.stringify(value)}\n`);
  }

  clear(): void {
    if (this.isTerminal) this.#stream.write('\x1b[H\x1b[2J\x1b[3J');
  }

  table(head: readonly string[], rows: readonly (readonly Cell[])[]): void {
    const width = this.isTerminal ? (this.#stream.columns ?? 80) : Number.POSITIVE_INFINITY;
    for (const cells of tableRows(head, rows, width)) this.line(...cells);
    if (rows.length === 0 && this.isTerminal) this.line({ text: 'none', style: 'dim' });
  }

  styled(cell: Cell): string {
    const text = plain(textOf(cell));
    if (typeof cell === 'string' || !this.#hasColours) return text;
    return styleText(cell.style, text, { validateStream: false });
  }
}

/** Columns as wide as what is in them; the last one is wrapped where the width ends. */
export function tableRows(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  width: number,
): Cell[][] {
  const all: (readonly Cell[])[] = [head.map((text): Cell => ({ text, style: 'bold' })), ...rows];
  const last = head.length - 1;
  const widths = head
    .slice(0, last)
    .map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))));
  const before = widths.reduce((sum, each) => sum + each + GAP.length, 0);
  const room = width - before < NARROWEST ? Number.POSITIVE_INFINITY : width - before;
  return all.flatMap((row) => {
    const [first = '', ...more] = wrapped(plain(textOf(row[last] ?? '')), room);
    const start = widths.flatMap((each, column) => {
      const cell = row[column] ?? '';
      return [cell, ' '.repeat(each - widthOf(cell)) + GAP];
    });
    const lines: Cell[][] = more.map((text) => [' '.repeat(before), like(row[last] ?? '', text)]);
    return [[...start, like(row[last] ?? '', first)], ...lines];
  });
}

function wrapped(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function like(cell: Cell, text: string): Cell {
  return typeof cell === 'string' ? text : { ...cell, text };
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function widthOf(cell: Cell): number {
  return [...plain(textOf(cell))].length;
}
