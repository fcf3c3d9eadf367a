import { type ByteString, readable } from '../bytes.ts';
import { type ArgvFile, lastValueOf, readCommand, type TranscoderCommand } from './command.ts';

interface NumberedSegments {
  /** Null where the command does not say. With copied video only the aim: its segments end at key frames. */
  readonly segmentSeconds: number | null;
  readonly firstSegment: number;
  /** Where in the film the first segment begins. */
  readonly seekSeconds: number;
  readonly videoCopied: boolean;
}

export interface DashSegments extends NumberedSegments {
  readonly kind: 'dash';
}

export interface SsegmentSegments extends NumberedSegments {
  readonly kind: 'ssegment';
  /** `media-%05d.ts` */
  readonly filePattern: ByteString;
}

/** What a later attempt must know of a command to go on at one of its segments (design/scaleplex 4). */
export type Segmented = DashSegments | SsegmentSegments;

export interface NotResumable {
  /** A sentence for people. */
  readonly problem: string;
}

export interface SegmentOutput {
  readonly kind: Segmented['kind'];
  readonly file: ArgvFile;
}

/** How PMS numbers the segments of a seek is known of these two; plain `segment` is sometimes relative to the seek. */
export function segmentOutputs(
  argv: readonly ByteString[],
  { outputs }: TranscoderCommand,
): readonly SegmentOutput[] {
  return outputs.flatMap((file) => {
    const kind = lastValueOf(argv, file.options, 'f');
    return kind === 'dash' || kind === 'ssegment' ? [{ kind, file }] : [];
  });
}

/** Says no to whatever the captures of PMS's own seeks give no rule for. */
export function segmentedOutput(argv: readonly ByteString[]): Segmented | NotResumable {
  const command = readCommand(argv);
  const [main, ...more] = segmentOutputs(argv, command);
  if (!main) return { problem: 'It has no output in numbered segments (dash or ssegment).' };
  const problem = more.length > 0 ? 'It has two outputs in segments.' : uncovered(argv, command, main);
  if (problem !== null) return { problem };

  const { kind, file } = main;
  const seeks = command.inputs.map(({ options }) => numberOf(lastValueOf(argv, options, 'ss') ?? '0'));
  const [seekSeconds] = seeks;
  if (seekSeconds === undefined) return { problem: 'It has no input.' };
  const first = lastValueOf(argv, file.options, kind === 'dash' ? 'skip_to_segment' : 'segment_start_number');
  const firstSegment = numberOf(first ?? (kind === 'dash' ? '1' : '0'));
  if (!Number.isSafeInteger(firstSegment) || seeks.some(Number.isNaN)) {
    return { problem: 'Its place in the film (-ss) or its first segment is not a number.' };
  }
  if (seeks.some((seek) => seek !== seekSeconds)) {
    return { problem: 'Its inputs begin at different places in the film (-ss).' };
  }
  const length = lastValueOf(argv, file.options, kind === 'dash' ? 'seg_duration' : 'segment_time');
  // Neither 0 nor NaN is a length.
  const segmentSeconds = numberOf(length ?? '') || null;
  const numbered = { segmentSeconds, firstSegment, seekSeconds, videoCopied: copiesVideo(argv, file) };
  if (kind === 'dash') return { kind, ...numbered };
  return { kind, ...numbered, filePattern: argv[file.index] ?? '' };
}

function uncovered(
  argv: readonly ByteString[],
  command: TranscoderCommand,
  main: SegmentOutput,
): string | null {
  if (command.inputs.some(({ index }) => isFromNetwork(argv[index] ?? ''))) {
    return 'It reads from the network (live TV), where nobody can go back.';
  }
  const format = lastValueOf(argv, main.file.options, 'segment_format');
  if (main.kind === 'ssegment' && format !== 'matroska' && format !== 'mpegts') {
    return 'The format of its segments is neither matroska nor mpegts.';
  }
  const others = command.outputs.filter((file) => file !== main.file);
  const muxers = others.map(({ options }) => lastValueOf(argv, options, 'f'));
  if (muxers.includes('segment')) return 'It also writes subtitles in segments with numbers of their own.';
  // Burnt-in subtitles are read through an output that writes nothing.
  if (muxers.some((muxer) => muxer !== 'null')) return 'It also writes another file.';
  return null;
}

function isFromNetwork(input: ByteString): boolean {
  return /^(?!file:)[a-z][a-z0-9+.-]*:\/\//i.test(readable(input));
}

/** PMS always writes the video as stream 0. */
function copiesVideo(argv: readonly ByteString[], { options }: ArgvFile): boolean {
  const codecs = options.filter(({ specifier }) => specifier === null || /^(0|v|v:0)$/.test(specifier));
  return lastValueOf(argv, codecs, 'codec') === 'copy';
}

/** NaN for what PMS does not write: a time as `00:01:00`, a sign, an exponent. */
function numberOf(value: ByteString): number {
  return typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
}
