import { expect, test } from 'vitest';
import { NO_CAPABILITIES } from '#shared/capabilities.ts';
import { SharedWords } from '../../../orchestrator/core/sharedWords.ts';

const able = (encoders: string[]) => ({
  ...NO_CAPABILITIES,
  encoders,
  decoders: ['h264', 'hevc'],
  eae: false,
});

test('what a worker can do stays as it said, and lists like the last worker’s are kept once', () => {
  const words = new SharedWords();
  const [first, second, third] = [able(['libx264']), able(['libx264']), able(['h264_nvenc'])].map((each) =>
    words.of(each),
  );
  expect([first, second, third]).toEqual([able(['libx264']), able(['libx264']), able(['h264_nvenc'])]);
  expect(second?.encoders).toBe(first?.encoders);
  expect(third?.encoders).not.toBe(first?.encoders);
  expect(third?.decoders).toBe(first?.decoders);
});
