import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as realTime } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { Presence } from '../../../../pms/relay/announced/presence.ts';
import { FakeClock } from '../../orchestrator/fakeClock.ts';

const WAIT_MS = 1_000;

const directory = mkdtempSync(join(tmpdir(), 'presence-'));

afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;

/** A name that no other test has. */
const fresh = (): string => `file-${files++}`;

const write = (name: string, content: Buffer | string): void => writeFileSync(join(directory, name), content);

const box = (type: string, length: number): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, Buffer.alloc(length)]);
};

const MEDIA = Buffer.concat([box('styp', 16), box('sidx', 44), box('moof', 200), box('mdat', 5_000)]);

/** Lets time go on, a look at a time, until the answer is there; `at` is called after that many milliseconds. */
async function waitFor(
  name: string,
  next: string | null,
  at: Readonly<Record<number, () => void>> = {},
): Promise<{ missing: readonly string[]; after: number }> {
  const clock = new FakeClock();
  let missing: readonly string[] | null = null;
  const done = new Presence(clock, WAIT_MS).waitFor(directory, [{ name, next }]).then((found) => {
    missing = found;
  });
  while (missing === null && clock.now() <= WAIT_MS) {
    // Until the look at the file is over, and the next one is awaited.
    while (missing === null && clock.timers.every((time) => time > clock.now() + 25)) await realTime(0);
    if (missing !== null) break;
    clock.advance(25);
    at[clock.now()]?.();
  }
  await done;
  return { missing: missing ?? [], after: clock.now() };
}

test('a segment of MP4 is there when all of its boxes are', async () => {
  const name = fresh();
  write(name, MEDIA);
  expect(await waitFor(name, null)).toEqual({ missing: [], after: 0 });
  for (const part of [12, 24, 76, 100, 284, MEDIA.length - 1]) {
    write(name, MEDIA.subarray(0, part));
    expect({ part, ...(await waitFor(name, null)) }).toMatchObject({ part, missing: [name] });
  }
  write(name, MEDIA.subarray(0, 3_000));
  expect(await waitFor(name, null, { 100: () => write(name, MEDIA) })).toEqual({ missing: [], after: 100 });
});

test('a long box, one without an end, and one after the media', async () => {
  const name = fresh();
  const long = Buffer.concat([Buffer.from('\0\0\0\x01mdat\0\0\0\0\0\0\0\x20'), Buffer.alloc(16)]);
  write(name, long);
  expect(await waitFor(name, null)).toEqual({ missing: [], after: 0 });
  write(name, long.subarray(0, 31));
  expect(await waitFor(name, null)).toMatchObject({ missing: [name] });
  write(name, Buffer.from('\0\0\0\0mdat and so on'));
  expect(await waitFor(name, null)).toMatchObject({ missing: [] });
  write(name, Buffer.concat([MEDIA, box('free', 3)]));
  expect(await waitFor(name, null)).toEqual({ missing: [], after: 0 });
});

test('one that says nothing of its length is there when the next one was opened after it', async () => {
  const [name, next] = [fresh(), fresh()];
  write(name, 'Dialogue: 0,0:00:01.00');
  write(next, '');
  expect(await waitFor(name, next)).toEqual({ missing: [], after: 0 });
  // An earlier attempt has left it.
  utimesSync(join(directory, next), 1, 1);
  const again = { 50: () => write(name, 'G picture and sound, more'), 75: () => write(next, 'G') };
  expect(await waitFor(name, next, again)).toEqual({ missing: [], after: 75 });
});

test('or when it has stopped growing', async () => {
  const [name, next] = [fresh(), fresh()];
  write(name, 'G');
  expect(await waitFor(name, next)).toEqual({ missing: [], after: 100 });
  const growing = {
    50: () => write(name, 'G p'),
    100: () => write(name, 'G pi'),
    175: () => write(name, 'G pic'),
  };
  expect(await waitFor(name, next, growing)).toEqual({ missing: [], after: 275 });
});

test('what is empty or absent is waited for until the deadline', async () => {
  const name = fresh();
  expect(await waitFor(name, null)).toEqual({ missing: [name], after: WAIT_MS });
  write(name, '');
  expect(await waitFor(name, null)).toEqual({ missing: [name], after: WAIT_MS });
});
