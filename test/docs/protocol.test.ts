import { describe, expect, test } from 'vitest';
import { JobSpec, Outcome, OutcomeReason } from '#shared/job.ts';
import { CLOSE } from '#shared/protocol/closeCodes.ts';
import {
  type Direction,
  MAX_MESSAGE_BYTES,
  MESSAGES,
  OUTPUT_CHUNK_BYTES,
  OUTPUT_WINDOW_BYTES,
  SUBPROTOCOL,
} from '#shared/protocol/messages.ts';
import { LINES, type LineDirection } from '../../pms/hookProtocol.ts';
import { codeIn, readDoc, rowsOf, sectionOf } from './markdown.ts';

const doc = readDoc('protocol.md');

const HEADINGS: Record<Direction, string> = {
  workerToOrchestrator: 'Worker to orchestrator',
  orchestratorToWorker: 'Orchestrator to worker',
  relayToOrchestrator: 'Relay to orchestrator',
  orchestratorToRelay: 'Orchestrator to relay',
};
const MESSAGE_NAMES = Object.values(MESSAGES).flatMap((messages) => Object.keys(messages));

interface Row {
  readonly name: string;
  readonly fields: string;
}

function messageRows(direction: Direction): Row[] {
  return rowsOf(sectionOf(doc, HEADINGS[direction])).map(([name = '', , fields = '']) => {
    return { name: codeIn(name)[0] ?? '', fields };
  });
}

/** Names of fields and literal values anywhere inside a schema. */
function wordsIn(schema: unknown): Set<string> {
  if (typeof schema !== 'object' || schema === null) return new Set();
  const own = Object.entries(schema).flatMap(([key, value]) => {
    if (key === 'properties') return Object.keys(Object(value));
    return key === 'const' ? [String(value)] : [];
  });
  return new Set([...own, ...Object.values(schema).flatMap((value) => [...wordsIn(value)])]);
}

/** The names that the cell speaks of: `a`, and the `b` and `c` of `{b: what it is, c}`. */
function namesIn(cell: string): string[] {
  return codeIn(cell).flatMap((code) => {
    const inside = /^\{(.*)\}$/.exec(code)?.[1];
    return inside === undefined ? [code] : inside.split(',').map((item) => /\w+/.exec(item)?.[0] ?? '');
  });
}

describe.each(Object.keys(HEADINGS))('%s', (name) => {
  const direction = Object.keys(HEADINGS).find((known): known is Direction => known === name);
  if (!direction) throw new Error(`${name} is no direction`);
  const rows = messageRows(direction);

  test('has a row for every message, and no other', () => {
    expect(rows.map((row) => row.name).toSorted()).toEqual(Object.keys(MESSAGES[direction]).toSorted());
  });

  for (const [type, schema] of Object.entries(MESSAGES[direction])) {
    const fields = rows.find((row) => row.name === type)?.fields ?? '';

    test(`${type}: every field is described, or the message is that of another direction`, () => {
      if (/^as (above|the worker sent it)$/.test(fields)) {
        const elsewhere = Object.entries(MESSAGES).flatMap(([other, messages]) => {
          return other === direction ? [] : Object.values(messages);
        });
        expect(elsewhere).toContain(schema);
        return;
      }
      const described = namesIn(fields);
      const expected = Object.keys(schema.properties).filter((field) => field !== 'type');
      expect(described).toEqual(expect.arrayContaining(expected));
    });

    test(`${type}: nothing else is described`, () => {
      const known = wordsIn(schema);
      const strangers = namesIn(fields).filter((word) => !known.has(word) && !MESSAGE_NAMES.includes(word));
      expect(strangers).toEqual([]);
    });
  }
});

test('objects that are spelled out in braces are spelled out whole', () => {
  const spelledOut = Object.keys(HEADINGS).flatMap((name) => {
    const direction = Object.keys(HEADINGS).find((known): known is Direction => known === name);
    if (!direction) return [];
    return messageRows(direction).flatMap(({ name: type, fields }) => {
      return [...fields.matchAll(/`(\w+)`:? `(\{[^`]*\})`/g)].map(([, field = '', braces = '']) => {
        return { direction, type, field, names: namesIn(`\`${braces}\``) };
      });
    });
  });
  expect(spelledOut.map(({ field }) => field)).toEqual(['load', 'attempts', 'attempts']);
  for (const { direction, type, field, names } of spelledOut) {
    const schema = Object.entries(MESSAGES[direction]).find(([known]) => known === type)?.[1];
    const inside = Object.entries(Object(schema).properties).find(([known]) => known === field)?.[1];
    expect(names).toEqual(expect.arrayContaining(firstFields(inside)));
  }
});

/** The fields of the object that the schema is, or holds first. */
function firstFields(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const properties = Object.entries(schema).find(([key]) => key === 'properties')?.[1];
  if (properties !== undefined) return Object.keys(Object(properties));
  for (const value of Object.values(schema)) {
    const inside = firstFields(value);
    if (inside.length > 0) return inside;
  }
  return [];
}

test.each([
  ['JobSpec', Object.keys(JobSpec.properties)],
  ['Outcome', Object.keys(Outcome.properties)],
])('%s: every field is described, and no other', (heading, fields) => {
  const described = rowsOf(sectionOf(doc, heading)).flatMap(([name = '']) => codeIn(name));
  expect(described.toSorted()).toEqual(fields.toSorted());
});

test('every reason of an outcome is described, and no other', () => {
  const [, meaning = ''] = rowsOf(sectionOf(doc, 'Outcome')).find(([name]) => name === '`reason`') ?? [];
  const reasons = OutcomeReason.anyOf.map((literal): string => literal.const);
  expect(codeIn(meaning).toSorted()).toEqual(reasons.toSorted());
});

test('every close code stands with its name and retry, and no other', () => {
  const described = rowsOf(sectionOf(doc, 'Close codes')).map(
    ([code, name, , retry]) => `${code} ${name} ${retry}`,
  );
  const defined = Object.entries(CLOSE).map(([name, { code, retry }]) => `${code} ${name} ${retry}`);
  expect(described.toSorted()).toEqual(defined.toSorted());
});

test('the limits are those of the code', () => {
  expect(doc).toContain(`No message may exceed ${MAX_MESSAGE_BYTES / 2 ** 20} MiB.`);
  expect(doc).toContain(`a message was over ${MAX_MESSAGE_BYTES / 2 ** 20} MiB`);
  expect(doc).toContain(`more than ${(2 * MAX_MESSAGE_BYTES) / 2 ** 20} MiB wait to be sent`);
  expect(doc).toContain(`at most ${OUTPUT_CHUNK_BYTES / 2 ** 10} KiB of bytes`);
  expect(doc).toContain(`at most ${OUTPUT_WINDOW_BYTES / 2 ** 20} MiB unacknowledged`);
  expect(rowsOf(sectionOf(doc, 'Connecting'))).toContainEqual([
    'subprotocol',
    `\`${SUBPROTOCOL}\``,
    `\`${SUBPROTOCOL}\``,
  ]);
});

describe('between hook and relay', () => {
  const rows = rowsOf(sectionOf(doc, 'Between hook and relay')).map(([line = '', direction]) => {
    const [, type = ''] = /"type":"(\w+)"/.exec(line) ?? [];
    const fields = [...line.replace(/"type":"\w+"/, '').matchAll(/"(\w+)"/g)].map(([, field = '']) => field);
    return { direction, type, fields: fields.toSorted() };
  });

  test.each<[LineDirection, string]>([
    ['hookToRelay', 'hook to relay'],
    ['relayToHook', 'relay to hook'],
  ])('every line of %s stands with its fields, and no other', (direction, words) => {
    const defined = Object.entries(LINES[direction]).map(([type, { properties }]) => {
      const fields = Object.keys(properties).filter((field) => field !== 'type');
      return { direction: words, type, fields: fields.toSorted() };
    });
    expect(rows.filter((row) => row.direction === words)).toEqual(defined);
  });

  test('every line has one of the two directions', () => {
    expect(rows.filter(({ direction }) => !/^(hook to relay|relay to hook)$/.test(direction ?? ''))).toEqual(
      [],
    );
  });
});
