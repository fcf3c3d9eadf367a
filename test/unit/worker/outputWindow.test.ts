import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OUTPUT_CHUNK_BYTES, OUTPUT_WINDOW_BYTES } from '#shared/protocol/messages.ts';
import { OutputWindow } from '../../../worker/attempts/outputWindow.ts';

test('chunks carry on where the last one ended, whatever the stream, and are never too long', () => {
  const window = new OutputWindow();
  const chunks = [
    ...window.add('stdout', Buffer.alloc(10)),
    ...window.add('stderr', Buffer.alloc(OUTPUT_CHUNK_BYTES + 5)),
    ...window.add('stdout', Buffer.alloc(1)),
  ];
  expect(chunks.map(({ offset, stream, data }) => [offset, stream, data.length])).toEqual([
    [0, 'stdout', 10],
    [10, 'stderr', OUTPUT_CHUNK_BYTES],
    [10 + OUTPUT_CHUNK_BYTES, 'stderr', 5],
    [15 + OUTPUT_CHUNK_BYTES, 'stdout', 1],
  ]);
});

test('it is full when a window of bytes waits, and has room again when they are acknowledged', () => {
  const window = new OutputWindow();
  window.add('stdout', Buffer.alloc(OUTPUT_WINDOW_BYTES - 1));
  expect(window.isFull).toBe(false);
  window.add('stdout', Buffer.alloc(1));
  expect(window.isFull).toBe(true);
  window.acknowledge(1);
  expect(window.isFull).toBe(false);
});

test('whatever was not acknowledged is still there, from the first byte that is missing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }),
      fc.nat(1_000),
      (writes, offset) => {
        const window = new OutputWindow();
        const all = Buffer.concat(writes);
        for (const write of writes) window.add('stdout', Buffer.from(write));
        window.acknowledge(offset);
        const left = window.unacknowledged;
        const first = left[0]?.offset ?? all.length;
        expect(first).toBeLessThanOrEqual(Math.max(offset, 0) < all.length ? offset : all.length);
        expect(Buffer.concat(left.map(({ data }) => data))).toEqual(all.subarray(first));
        // A chunk that is wholly known is not kept.
        expect(left.every((chunk) => chunk.offset + chunk.data.length > offset)).toBe(true);
      },
    ),
  );
});
