import type { ByteString } from '../bytes.ts';

/**
 * ffmpeg's options that take no value. Every other option takes one, even when that begins with a dash
 * (`-sei:0 -a53_cc`), so an unknown option is read as one with a value. What prints a list and ends (`-formats`) takes
 * one, too: ffmpeg passes over it.
 */
const FLAGS = new Set(
  (
    'y n nostdin vn an sn dn stats stdin report hide_banner re copyts start_at_zero accurate_seek shortest xerror ' +
    'benchmark benchmark_all ignore_unknown copy_unknown copyinkf fix_sub_duration recast_media bitexact debug_ts ' +
    'dump hex find_stream_info psnr vstats qphist intra deinterlace print_graphs noautorotate noautoscale force_fps ' +
    'auto_conversion_filters fix_sub_duration_heartbeat display_hflip display_vflip'
  ).split(' '),
);

export interface ArgvOption {
  /** Without dash and stream specifier: `codec` of `-codec:0`. */
  readonly name: string;
  /** `0` of `-codec:0`; PMS also writes `#0x01`. Null without one. */
  readonly specifier: string | null;
  /** Where the option stands in argv. */
  readonly index: number;
  /** Where its value stands; null for a flag, and for an option that a truncated command ends with. */
  readonly valueIndex: number | null;
}

/** An input or an output with the options that stand before it and belong to it. */
export interface ArgvFile {
  /** Where its name stands in argv. */
  readonly index: number;
  readonly options: readonly ArgvOption[];
}

export interface TranscoderCommand {
  readonly inputs: readonly ArgvFile[];
  readonly outputs: readonly ArgvFile[];
  /** Options after the last output: PMS up to about 1.40 wrote its global ones there. */
  readonly trailing: readonly ArgvOption[];
}

/**
 * Reads the structure of a transcoder's argv, never failing: the order of options drifts between PMS versions
 * (design/plex-transcoder 1), so nothing counts but "options belong to the next -i or output".
 */
export function readCommand(argv: readonly ByteString[]): TranscoderCommand {
  const inputs: ArgvFile[] = [];
  const outputs: ArgvFile[] = [];
  let pending: ArgvOption[] = [];
  let index = 0;
  while (index < argv.length) {
    const element = argv[index];
    if (element === undefined || !isOption(element)) {
      outputs.push({ index, options: pending });
      pending = [];
      index += 1;
      continue;
    }
    if (element === '--') {
      // The next element is an output, whatever it begins with.
      pending.push({ name: '-', specifier: null, index, valueIndex: null });
      if (index + 1 < argv.length) outputs.push({ index: index + 1, options: pending.splice(0) });
      index += 2;
      continue;
    }
    const [name = '', ...rest] = element.slice(1).split(':');
    const specifier = rest.length > 0 ? rest.join(':') : null;
    const isFlag = FLAGS.has(name) || (name.startsWith('no') && FLAGS.has(name.slice(2)));
    const hasValue = !isFlag && index + 1 < argv.length;
    if (name === 'i' && hasValue) {
      inputs.push({ index: index + 1, options: pending });
      pending = [];
    } else {
      pending.push({ name, specifier, index, valueIndex: hasValue ? index + 1 : null });
    }
    index += hasValue ? 2 : 1;
  }
  return { inputs, outputs, trailing: pending };
}

/** All options of the command, in order of their place. */
export function allOptions(command: TranscoderCommand): readonly ArgvOption[] {
  return [...command.inputs, ...command.outputs]
    .flatMap((file) => file.options)
    .concat(command.trailing)
    .sort((a, b) => a.index - b.index);
}

/** The values of every occurrence of an option, whatever its specifier, as far as they are text. */
export function valuesOf(argv: readonly ByteString[], command: TranscoderCommand, name: string): string[] {
  return allOptions(command).flatMap((option) => {
    const value = option.name === name && option.valueIndex !== null ? argv[option.valueIndex] : undefined;
    return typeof value === 'string' ? [value] : [];
  });
}

/** The value that ffmpeg takes of an option that may stand there several times: the last. */
export function lastValueOf(
  argv: readonly ByteString[],
  options: readonly ArgvOption[],
  name: string,
): ByteString | undefined {
  const option = options.findLast((candidate) => candidate.name === name && candidate.valueIndex !== null);
  return option?.valueIndex == null ? undefined : argv[option.valueIndex];
}

/** A lone `-` is ffmpeg's name for stdin or stdout. */
function isOption(element: ByteString): element is string {
  return typeof element === 'string' && element.length > 1 && element.startsWith('-');
}
