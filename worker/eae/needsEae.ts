import { allOptions, readCommand } from '#shared/argv/command.ts';
import type { ByteString } from '#shared/bytes.ts';

const CODEC_OPTIONS = ['codec', 'c', 'acodec'];

/** Whether a command hands audio to EasyAudioEncoder: by its codecs, or by the prefix for the files between them. */
export function needsEae(argv: readonly ByteString[]): boolean {
  return allOptions(readCommand(argv)).some(({ name, valueIndex }) => {
    const value = valueIndex === null ? undefined : argv[valueIndex];
    if (name === 'eae_prefix') return true;
    return CODEC_OPTIONS.includes(name) && typeof value === 'string' && value.endsWith('_eae');
  });
}
