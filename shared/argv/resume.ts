import type { ByteString } from '../bytes.ts';
import type { Resume } from '../job.ts';
import { type ArgvFile, allOptions, readCommand } from './command.ts';
import { type SegmentOutput, segmentOutputs } from './segmented.ts';

/** What PMS writes between an input's decoder options, after which it writes `-ss`, and its `-i`. */
const AFTER_SEEK = ['noaccurate_seek', 'analyzeduration', 'probesize'];

/**
 * With them the transcoder would repeat the first picture for all the time before `-ss`; PMS leaves them out of a
 * seek. `vsync` is what PMS up to about 1.40 called it.
 */
const CONSTANT_RATE = ['fps_mode', 'vsync'];

/** The option that numbers the first segment, and those of which PMS writes it after the last. */
const FIRST_SEGMENT = {
  dash: { name: 'skip_to_segment', after: ['f', 'seg_duration', 'window_size', 'delete_removed'] },
  ssegment: { name: 'segment_start_number', after: ['f', 'segment_time'] },
} as const;

/**
 * The command with which PMS itself would go on at a segment (design/scaleplex 4): the same but for `-ss` before
 * every input, the constant frame rate, and the first number of the main output. A second output of subtitles in
 * segments stays as it is, since PMS numbers that one from 0 also after a seek: segmentedOutput says no to it.
 */
export function resumed(argv: readonly ByteString[], at: Resume): readonly ByteString[] {
  const command = readCommand(argv);
  const [main, ...more] = segmentOutputs(argv, command);
  if (!main || more.length > 0) {
    throw new Error('only a command with one output in segments (dash or ssegment) can go on at a segment');
  }
  /** What stands in place of the element at an index. */
  const replaced = new Map<number, readonly ByteString[]>([
    ...command.inputs.flatMap((input) => seek(argv, input, secondsText(at.seconds))),
    ...firstSegment(argv, main, String(at.segment)),
  ]);
  for (const { name, index, valueIndex } of allOptions(command)) {
    if (!CONSTANT_RATE.includes(name)) continue;
    replaced.set(index, []);
    if (valueIndex !== null) replaced.set(valueIndex, []);
  }
  return argv.flatMap((element, index) => replaced.get(index) ?? [element]);
}

type Replacement = readonly [index: number, elements: readonly ByteString[]];

function seek(argv: readonly ByteString[], input: ArgvFile, seconds: string): Replacement[] {
  const present = replaceValues(input, 'ss', seconds);
  if (present.length > 0) return present;
  const next = input.options.find(({ name }) => AFTER_SEEK.includes(name))?.index ?? input.index - 1;
  return [[next, ['-ss', seconds, ...argv.slice(next, next + 1)]]];
}

function firstSegment(
  argv: readonly ByteString[],
  { kind, file }: SegmentOutput,
  number: string,
): Replacement[] {
  const { name, after } = FIRST_SEGMENT[kind];
  const present = replaceValues(file, name, number);
  if (present.length > 0) return present;
  const names: readonly string[] = after;
  const before = file.options.findLast((option) => names.includes(option.name))?.valueIndex ?? file.index - 1;
  return [[before, [...argv.slice(before, before + 1), `-${name}`, number]]];
}

function replaceValues(file: ArgvFile, name: string, value: string): Replacement[] {
  return file.options.flatMap((option) => {
    return option.name === name && option.valueIndex !== null ? [[option.valueIndex, [value]] as const] : [];
  });
}

/** PMS writes whole seconds without a fraction; finer than a microsecond ffmpeg does not read. */
function secondsText(seconds: number): string {
  return String(Number(seconds.toFixed(6)));
}
