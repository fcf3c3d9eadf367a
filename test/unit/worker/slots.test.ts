import { expect, test } from 'vitest';
import type { Gpu } from '#shared/capabilities.ts';
import { slotsFor } from '../../../worker/slots.ts';

function gpu(id: string, api: Gpu['api'], encoders: string[], sessionLimit: number | null): Gpu {
  return {
    id,
    api,
    name: 'card',
    device: 'x',
    driver: null,
    decoders: [],
    encoders,
    filters: [],
    sessionLimit,
  };
}

test.each<[string, Gpu[], number, number]>([
  ['no GPU: a transcode for two cores', [], 12, 6],
  ['less than a core: still one', [], 0.5, 1],
  ['a GeForce: its encoder sessions', [gpu('a', 'cuda', ['h264_nvenc'], 8)], 4, 8],
  ['an H200, which encodes nothing: by cores', [gpu('a', 'cuda', [], 0)], 16, 8],
  [
    'one card by two interfaces counts once',
    [gpu('a', 'vaapi', ['h264_vaapi'], null), gpu('a', 'qsv', ['h264_qsv'], null)],
    4,
    8,
  ],
  ['two cards', [gpu('a', 'cuda', ['h264_nvenc'], 3), gpu('b', 'cuda', ['h264_nvenc'], 5)], 4, 8],
])('%s', (_, gpus, cpus, slots) => {
  expect(slotsFor(gpus, cpus)).toBe(slots);
});
