import type { ByteString } from '../bytes.ts';
import { readCommand, valuesOf } from './command.ts';

const CODEC_OPTIONS = ['codec', 'c', 'vcodec'];

/** Names of encoders that are parts of GPUs: `h264` of `h264_nvenc`. */
const HARDWARE = /^(.+)_(?:nvenc|vaapi|qsv)$/;

/** The codec that a command has a GPU encode, such as `hevc`; null when no GPU encodes anything of it. */
export function usesEncoder(argv: readonly ByteString[]): string | null {
  const command = readCommand(argv);
  const outputs = { ...command, inputs: [] };
  for (const option of CODEC_OPTIONS) {
    for (const name of valuesOf(argv, outputs, option)) {
      const codec = HARDWARE.exec(name)?.[1];
      if (codec !== undefined) return codec;
    }
  }
  return null;
}
