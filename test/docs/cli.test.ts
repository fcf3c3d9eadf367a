import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../cli/commands.ts';
import { BAD_SETTINGS, FAILED, INTERNAL, UNREACHABLE } from '../../cli/failure.ts';
import { PARTS } from '../../cli/help.ts';
import { codeIn, readDoc, rowsOf, sectionOf } from './markdown.ts';

const doc = readDoc('cli.md');

test('every command stands in docs/cli.md', () => {
  const named = codeIn(doc).map((code) => code.split(' ')[0]);
  for (const { name } of [...COMMANDS, ...PARTS]) expect(named).toContain(name);
});

test('every option that only one command has stands there, too', () => {
  for (const { options = {} } of COMMANDS)
    for (const name of Object.keys(options)) expect(doc).toContain(`--${name}`);
});

test('every exit code stands there, and no other', () => {
  const codes = rowsOf(sectionOf(doc, 'Exit codes')).map(([code]) => Number(code));
  expect(codes).toEqual([0, FAILED, BAD_SETTINGS, UNREACHABLE, INTERNAL]);
});

test('each part that it names is one that the script starts', () => {
  const script = readFileSync(new URL('../../cli/clusterplex', import.meta.url), 'utf8');
  for (const { name } of PARTS) expect(script).toMatch(new RegExp(`^ {2}${name}\\) shift && exec `, 'm'));
});

test('npm is content with the Node that README asks for: ours comes with the packages', () => {
  const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  const [, asked] = /^Node (\d+) or newer, npm/m.exec(read('README.md')) ?? [];
  expect(JSON.parse(read('package.json')).engines).toEqual({ node: `>=${asked}` });
});

test.each(['operations.md', 'troubleshooting.md', 'from-clusterplex.md', 'dashboard.md', 'security.md'])(
  '%s names commands that there are, and of the API nothing for which there is one alone',
  (page) => {
    const text = readDoc(page);
    const options = (name: string): string[] =>
      COMMANDS.flatMap((command) => (command.name === name ? Object.keys(command.options ?? {}) : []));
    const known = [...COMMANDS, ...PARTS].map(({ name }) => name);
    for (const code of codeIn(text)) {
      const [program, name = '', ...words] = code.split(' ');
      if (program !== 'clusterplex') continue;
      expect(known).toContain(name);
      const given = words.filter((word) => word.startsWith('--')).map((word) => word.slice(2));
      if (COMMANDS.some((command) => command.name === name))
        expect(options(name)).toEqual(expect.arrayContaining(given));
    }
    for (const line of text.split('\n')) {
      if (/`[A-Z]+ \/api\/v1\/(jobs|workers|history|storage)/.test(line))
        expect(page + line).toMatch(/\(`GET/);
    }
  },
);
