import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Tail } from '#shared/tail.ts';

test('it has the last bytes, in whatever parts they came, and takes at most twice as many', () => {
  const parts = fc.array(fc.string({ maxLength: 40 }).map((text) => Buffer.from(text)));
  fc.assert(
    fc.property(parts, (some) => {
      const tail = new Tail(16);
      for (const part of some) {
        tail.add(part);
        expect(tail.size).toBeLessThanOrEqual(32);
      }
      expect(tail.bytes).toEqual(Buffer.concat(some).subarray(-16));
    }),
  );
});
