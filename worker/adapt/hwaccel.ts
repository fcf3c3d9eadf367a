import { allOptions, readCommand } from '#shared/argv/command.ts';
import type { ByteString } from '#shared/bytes.ts';

/** Whether FFMPEG_HWACCEL asks for anything. */
export function isHwaccel(hwaccel: string): boolean {
  return hwaccel !== '' && hwaccel.toLowerCase() !== 'off';
}

/** Puts the value in place of every `-hwaccel` of PMS, or, where there is none, before the first option. */
export function applyHwaccel(argv: readonly ByteString[], hwaccel: string): ByteString[] {
  if (!isHwaccel(hwaccel)) return [...argv];
  const values = allOptions(readCommand(argv)).flatMap(({ name, valueIndex }) => {
    return name === 'hwaccel' && valueIndex !== null ? [valueIndex] : [];
  });
  if (values.length === 0) return ['-hwaccel', hwaccel, ...argv];
  return argv.map((element, index) => (values.includes(index) ? hwaccel : element));
}
