import { expect, test } from 'vitest';
import { GpuFailureWatch, gpuFailureIn } from '../../../../worker/gpu/failure.ts';

test.each([
  ['[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: out of memory (10): (no details)', 'sessions'],
  ['[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: incompatible client key (21): (no details)', 'sessions'],
  ['[AVHWDeviceContext @ 0x1] cu->cuMemAlloc() failed -> CUDA_ERROR_OUT_OF_MEMORY: out of memory', 'memory'],
  ['[h264_nvenc @ 0x1] No capable devices found', 'lost'],
  ['[AVHWDeviceContext @ 0x1] cu->cuInit(0) failed -> CUDA_ERROR_NO_DEVICE: no CUDA-capable device', 'lost'],
  ['[AVHWDeviceContext @ 0x5607c453dc40] Cannot load libcuda.so.1', 'lost'],
  ['[AVHWDeviceContext @ 0x1] Failed to initialise VAAPI connection: -1 (unknown libva error).', 'lost'],
  ['Device creation failed: -5.', 'lost'],
  ['[in#0] Error opening input: No such file or directory', null],
  ['x264 [error]: malloc of size 1 failed', null],
  ['frame= 100 fps= 25', null],
])('%s', (line, kind) => {
  expect(gpuFailureIn(line)).toBe(kind);
});

test('the first sign counts, however the words come in pieces', () => {
  const watch = new GpuFailureWatch();
  const text =
    '\rframe=1\n[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: out of memory (10)\nNo capable devices found\n';
  for (const character of text) watch.add(Buffer.from(character));
  expect(watch.found).toBe('sessions');
});

test('a last line without an end counts, too', () => {
  const watch = new GpuFailureWatch();
  watch.add(Buffer.from('all is well\nDevice creation failed: -5'));
  expect(watch.found).toBe('lost');
});
