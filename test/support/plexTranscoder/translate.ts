import { basename, dirname, join } from 'node:path';
import { type ArgvFile, type ArgvOption, allOptions, readCommand } from '#shared/argv/command.ts';
import type { ByteString } from '#shared/bytes.ts';
import { translateGraph } from './filters.ts';
import { type DashPlan, FIRST_LIST_DESCRIPTOR, MANIFEST, type Plan, type SegmentPlan } from './plan.ts';
import { type Probe, subtitlePosition } from './probe.ts';

/** Options of Plex's fork that stock ffmpeg refuses, and those that the stand-in does itself. */
const DROPPED = new Set(
  (
    'loglevel_plex progressurl manifest_name skip_to_segment time_delta delete_removed window_size map_inlineass ' +
    'eae_prefix hwaccel_fallback_threshold copypriorss strict_ts xioerror segment_copyts segment_list_size ' +
    'segment_list_type segment_list_separate_stream_times segment_list_unfinished'
  ).split(' '),
);

const ENCODERS: Readonly<Record<string, string>> = {
  aac_lc: 'aac',
  aac_eae: 'aac',
  ac3_eae: 'ac3',
  eac3_eae: 'eac3',
};

const CODEC_OPTIONS = new Set(['codec', 'c', 'vcodec', 'acodec', 'scodec']);
const GRAPH_OPTIONS = new Set(['filter_complex', 'filter', 'lavfi', 'vf', 'af']);

/** A command with one of these asks for a GPU. It gets what this ffmpeg and this machine make of it. */
const HARDWARE = /hwupload|hwdownload|_(vaapi|cuda|nvenc|cuvid|qsv|opencl|vulkan)\b/;

/** How many cuts are named in advance when the length of the input is unknown. */
const CUTS_WITHOUT_DURATION = 5_000;

export interface Surroundings {
  /** A directory below cwd whose path needs no quoting in a filter graph. */
  readonly work: string;
  /** Of the first input. */
  readonly probed: Probe;
  /** A name for the file that can be written into ffmpeg's arguments: a link in the work directory. */
  link(path: ByteString): string;
}

export function translate(argv: readonly ByteString[], surroundings: Surroundings): Plan {
  return new Translator(argv, surroundings).plan();
}

class Translator {
  readonly #argv: readonly ByteString[];
  readonly #surroundings: Surroundings;
  readonly #command;
  readonly #options: readonly ArgvOption[];
  readonly #start: number;

  constructor(argv: readonly ByteString[], surroundings: Surroundings) {
    this.#argv = argv;
    this.#surroundings = surroundings;
    this.#command = readCommand(argv);
    this.#options = allOptions(this.#command);
    this.#start = Number(this.#find(this.#command.inputs[0]?.options ?? [], 'ss') ?? 0);
  }

  plan(): Plan {
    const { inputs, outputs, trailing } = this.#command;
    const burnIn = this.#burnIn();
    const args = ['-progress', 'pipe:3', ...trailing.flatMap((option) => this.#common(option, burnIn))];
    for (const input of inputs) {
      args.push(...input.options.flatMap((option) => this.#inputOption(option)));
      args.push('-i', this.#path(input.index));
    }
    const plans: (DashPlan | SegmentPlan)[] = [];
    for (const output of outputs) {
      const muxer = this.#find(output.options, 'f');
      // A null output beside `inlineass` only feeds it with packets.
      if (muxer === 'null' && burnIn !== null) continue;
      const plan = this.#outputPlan(output, muxer);
      args.push(...output.options.flatMap((option) => this.#outputOption(option, burnIn, plan)));
      if (plan) {
        args.push(...this.#muxerOptions(plan, FIRST_LIST_DESCRIPTOR + plans.filter(hasList).length));
        plans.push(plan);
      }
      args.push(plan ? this.#workPath(plan) : this.#path(output.index));
    }
    const rate = Number(this.#find(this.#options, 'r'));
    return { args, outputs: plans, start: this.#start, frameRate: rate > 0 ? rate : null };
  }

  #inputOption(option: ArgvOption): string[] {
    // Decoders: PMS names its own ones (eac3_eae) or the wrong one (libdav1d for H.264), and ffmpeg needs no hint.
    if (CODEC_OPTIONS.has(option.name) && !HARDWARE.test(this.#value(option) ?? '')) return [];
    return this.#common(option, null);
  }

  #outputOption(option: ArgvOption, burnIn: string | null, plan: DashPlan | SegmentPlan | null): string[] {
    const value = this.#value(option) ?? '';
    if (plan?.kind === 'segments') {
      if (option.name === 'segment_list') return [];
      if (option.name === 'segment_header_filename')
        return ['-segment_header_filename', join(plan.target, value)];
      if (option.name === 'segment_time' && this.#hasSourceTimes()) {
        return ['-segment_times', this.#cuts(Number(value))];
      }
    }
    if (option.name === 'min_seg_duration') return ['-seg_duration', String(Number(value) / 1_000_000)];
    return this.#common(option, burnIn);
  }

  #common(option: ArgvOption, burnIn: string | null): string[] {
    const value = this.#value(option);
    const name = this.#text(option.index);
    if (DROPPED.has(option.name)) return [];
    if (['init_hw_device', 'filter_hw_device'].includes(option.name) && !this.#usesHardware()) return [];
    if (value === null) return [name];
    // The oldest ffmpeg that we run on knows only this name.
    if (option.name === 'fps_mode') return ['-vsync', value];
    if (CODEC_OPTIONS.has(option.name)) return [name, ENCODERS[value] ?? value];
    if (GRAPH_OPTIONS.has(option.name)) return [name, translateGraph(value, burnIn)];
    return [name, value];
  }

  #outputPlan(output: ArgvFile, muxer: string | null): DashPlan | SegmentPlan | null {
    const name = this.#text(output.index);
    const target = dirname(name);
    const find = (option: string): string | null => this.#find(output.options, option);
    if (muxer === 'dash') {
      return {
        kind: 'dash',
        work: this.#surroundings.work,
        target,
        manifestUrl: find('manifest_name'),
        firstNumber: Number(find('skip_to_segment') ?? 1),
        initName: find('init_seg_name') ?? 'init-stream$RepresentationID$.m4s',
        mediaName: find('media_seg_name') ?? 'chunk-stream$RepresentationID$-$Number%05d$.m4s',
      };
    }
    if (muxer === null || !['segment', 'ssegment', 'stream_segment'].includes(muxer)) return null;
    return {
      kind: 'segments',
      target,
      listUrl: find('segment_list'),
      listSize: Number(find('segment_list_size') ?? 0),
      separateTimes: find('segment_list_separate_stream_times') === '1',
      unfinished: find('segment_list_unfinished') === '1',
      headerName: find('segment_header_filename'),
      holdsSubtitles: find('segment_format') === 'ass',
      mediaName: basename(name),
      start: this.#hasSourceTimes() ? this.#start : 0,
    };
  }

  #muxerOptions(plan: DashPlan | SegmentPlan, descriptor: number): string[] {
    if (plan.kind === 'dash') {
      return ['-init_seg_name', plan.initName, '-media_seg_name', plan.mediaName, '-window_size', '0'];
    }
    const list = [
      '-segment_list',
      `pipe:${descriptor}`,
      '-segment_list_type',
      'csv',
      '-segment_list_size',
      '0',
    ];
    // The oldest ffmpeg that we run on takes no subtitle for a key frame.
    return plan.holdsSubtitles ? ['-break_non_keyframes', '1', ...list] : list;
  }

  #workPath(plan: DashPlan | SegmentPlan): string {
    return plan.kind === 'dash' ? join(plan.work, MANIFEST) : join(plan.target, plan.mediaName);
  }

  /** Time stamps keep the source's clock (`-copyts`), so that a seek's first segment does not start at 0. */
  #hasSourceTimes(): boolean {
    return this.#start > 0 && this.#options.some(({ name }) => name === 'copyts');
  }

  /** Stock ffmpeg counts its cuts from 0, Plex's from the seek. */
  #cuts(length: number): string {
    const { duration } = this.#surroundings.probed;
    const count =
      duration === null ? CUTS_WITHOUT_DURATION : Math.ceil((duration - this.#start) / length) + 1;
    return Array.from({ length: count }, (_, index) =>
      (this.#start + (index + 1) * length).toFixed(3),
    ).join();
  }

  /** The filter that renders the subtitles which `-map_inlineass` names; it reads them from the file by itself. */
  #burnIn(): string | null {
    const [file = '', kind = '', position = '0'] =
      this.#find(this.#options, 'map_inlineass')?.split(':') ?? [];
    const input = this.#command.inputs[Number(file)];
    const path = input ? this.#argv[input.index] : undefined;
    if (file === '' || path === undefined) return null;
    const index = kind === 's' ? Number(position) : subtitlePosition(this.#surroundings.probed, Number(kind));
    return `subtitles=filename=${this.#surroundings.link(path)}:si=${index}`;
  }

  #usesHardware(): boolean {
    return this.#options.some(
      (option) => option.name === 'hwaccel' || HARDWARE.test(this.#value(option) ?? ''),
    );
  }

  #find(options: readonly ArgvOption[], name: string): string | null {
    const option = options.find((candidate) => candidate.name === name);
    return option ? this.#value(option) : null;
  }

  #value(option: ArgvOption): string | null {
    return option.valueIndex === null ? null : this.#text(option.valueIndex);
  }

  #text(index: number): string {
    const element = this.#argv[index] ?? '';
    return typeof element === 'string' ? element : Buffer.from(element.base64, 'base64').toString();
  }

  /** Node can't hand a child bytes that are no text: such a file gets a name that is. */
  #path(index: number): string {
    const element = this.#argv[index] ?? '';
    return typeof element === 'string' ? element : this.#surroundings.link(element);
  }
}

function hasList(plan: DashPlan | SegmentPlan): plan is SegmentPlan {
  return plan.kind === 'segments';
}
