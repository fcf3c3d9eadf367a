import { allOptions, readCommand } from '#shared/argv/command.ts';
import type { ByteString } from '#shared/bytes.ts';

/** Puts the value in place of every `-hwaccel` of PMS, or, where there is none, before the first option. */
export function applyHwaccel(argv: readonly ByteString[], hwaccel: string): ByteString[] {
  if (hwaccel === '' || hwaccel.toLowerCase() === 'off') return [...argv];
  const values = allOptions(readCommand(argv)).flatMap(({ name, valueIndex }) => {
    return name === 'hwaccel' && valueIndex !== null ? [valueIndex] : [];
  });
  if (values.length === 0) return ['-hwaccel', hwaccel, ...argv];
  return argv.map((element, index) => (values.includes(index) ? hwaccel : element));
}
