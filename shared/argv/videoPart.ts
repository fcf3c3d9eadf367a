import { type ByteString, readable } from '../bytes.ts';
import type { Encoding } from './coders.ts';
import {
  type ArgvFile,
  type ArgvOption,
  allOptions,
  readCommand,
  type TranscoderCommand,
} from './command.ts';
import { readGraph } from './filterGraph.ts';
import { type Family, NotKnown, type Picture, readPicture } from './picture.ts';

/** A run of argv: `length` elements from `index` on. */
export interface Place {
  readonly index: number;
  readonly length: number;
}

/** How PMS limits and aims the size of what libx264 makes. */
export interface SoftwareRate {
  readonly crf: string;
  readonly preset: string;
  readonly level: string | null;
  readonly x264opts: string;
}

/** The part of a command that decodes, changes and encodes the picture, told without naming any hardware. */
export interface VideoPart extends Picture {
  readonly decodes: Family;
  readonly encodes: Family;
  /** Of the first input: `0`. */
  readonly stream: string;
  /** What the source is, as GPUs' decoders are called: `av1`. */
  readonly codec: string;
  readonly encoding: Encoding;
  readonly maxrate: string;
  readonly bufsize: string;
  readonly frameRate: string;
  readonly software: SoftwareRate | null;
  /** Of VAAPI. */
  readonly qp: string | null;
  /** Labels are numbers; its graph makes those from this one on. */
  readonly firstLabel: number;
  readonly lastLabel: number;
  readonly places: {
    readonly decoder: Place;
    /** Where its device stands, or would. Null where PMS of that age put it elsewhere. */
    readonly device: Place | null;
    readonly graph: Place;
    readonly map: Place;
    readonly encoder: Place;
  };
}

export interface NotUnderstood {
  /** A sentence for people. */
  readonly problem: string;
}

/**
 * Reads the video part of a command, if every element of it is one of those that PMS is known to write
 * (design/plex-transcoder 5, design/scaleplex 5); else says which is not.
 */
export function readVideoPart(
  argv: readonly ByteString[],
  command = readCommand(argv),
): VideoPart | NotUnderstood {
  try {
    return new Reader(argv, command).read();
  } catch (error) {
    if (error instanceof NotKnown) return { problem: error.message };
    throw error;
  }
}

const ENCODERS = new Map<string, readonly [Encoding, Family]>([
  ['libx264', ['h264', 'software']],
  ['h264_nvenc', ['h264', 'cuda']],
  ['hevc_nvenc', ['hevc', 'cuda']],
  ['h264_vaapi', ['h264', 'vaapi']],
  ['hevc_vaapi', ['hevc', 'vaapi']],
]);

const HWACCELS = new Map<string, Exclude<Family, 'software'>>([
  ['nvdec', 'cuda'],
  ['vaapi', 'vaapi'],
]);

class Reader {
  readonly #argv: readonly ByteString[];
  readonly #command: TranscoderCommand;

  constructor(argv: readonly ByteString[], command: TranscoderCommand) {
    this.#argv = argv;
    this.#command = command;
  }

  read(): VideoPart {
    const [output] = this.#command.outputs;
    const [input] = this.#command.inputs;
    if (!input || !output) throw new NotKnown('It has no input or no output.');
    const encoder = this.#encoder(output);
    const at = output.options.findIndex(({ name }) => name === 'filter_complex');
    const graph = output.options[at];
    const map = output.options[at + 1];
    if (!graph?.valueIndex || graph.index > encoder.place.index || map?.name !== 'map' || !map.valueIndex) {
      throw new NotKnown('Its picture goes through no filter graph before its encoder.');
    }
    const picture = this.#picture(graph.valueIndex, encoder.family);
    if (this.#argv[map.valueIndex] !== `[${picture.lastLabel}]`) {
      throw new NotKnown('Its encoder does not take what its filter graph makes.');
    }
    const decoder = this.#decoder(input, picture.stream);
    const isOnGpu = encoder.family !== 'software';
    if (isOnGpu ? decoder.family !== encoder.family : decoder.keepsOnGpu) {
      throw new NotKnown('Its decoder and its encoder belong to different hardware.');
    }
    if (isOnGpu && !decoder.keepsOnGpu) throw new NotKnown('Its pictures do not stay on the GPU.');
    const { tonemap, bitDepth } = picture;
    if (encoder.encoding === 'h264' && bitDepth === 10 && tonemap === null) {
      throw new NotKnown('It encodes H.264 in 10 bits.');
    }
    return {
      ...picture,
      ...encoder.rate,
      decodes: decoder.family,
      encodes: encoder.family,
      encoding: encoder.encoding,
      codec: decoder.codec,
      places: {
        decoder: decoder.place,
        device: this.#device(output, decoder.family),
        graph: { index: graph.valueIndex, length: 1 },
        map: { index: map.valueIndex, length: 1 },
        encoder: encoder.place,
      },
    };
  }

  #encoder({ options }: ArgvFile) {
    const start = options.findIndex(({ name, specifier }) => name === 'codec' && specifier === '0');
    const name = this.#value(options[start]);
    if (name === 'copy') throw new NotKnown('Its video is copied, not encoded.');
    const known = ENCODERS.get(name);
    if (name === '') throw new NotKnown('It names no encoder for video.');
    if (!known) throw new NotKnown(`It encodes no video, or with ${name}, which has no rules.`);
    const [encoding, family] = known;
    const { values, place } = this.#block(options.slice(start), '0', [
      ...(family === 'software'
        ? ['codec', 'crf', 'maxrate', 'bufsize', 'r', 'preset', 'level', 'x264opts']
        : []),
      ...(family === 'cuda' ? ['codec', 'b', 'maxrate', 'bufsize', 'forced-idr', 'r'] : []),
      ...(family === 'vaapi' ? ['codec', 'qp', 'maxrate', 'bufsize', 'r', 'sei'] : []),
    ]);
    const required = (option: string): string => {
      const value = values.get(option);
      if (value === undefined) throw new NotKnown(`Its video has no -${option}.`);
      return value;
    };
    const maxrate = required('maxrate');
    if (family === 'cuda' && (required('b') !== maxrate || required('forced-idr') !== '1')) {
      throw new NotKnown('Its bit rate is not its highest one, or it does not force key frames.');
    }
    if (family === 'vaapi' && required('sei') !== '-a53_cc') throw new NotKnown('It writes other SEI.');
    const software: SoftwareRate | null =
      family !== 'software'
        ? null
        : {
            crf: required('crf'),
            preset: required('preset'),
            level: values.get('level') ?? null,
            x264opts: required('x264opts'),
          };
    const qp = family === 'vaapi' ? required('qp') : null;
    return {
      encoding,
      family,
      place,
      rate: { maxrate, bufsize: required('bufsize'), frameRate: required('r'), software, qp },
    };
  }

  #decoder({ options }: ArgvFile, stream: string) {
    const start = options.findIndex(({ name, specifier }) => name === 'codec' && specifier === stream);
    if (start < 0) throw new NotKnown('It names no decoder for its video.');
    const { values, place } = this.#block(options.slice(start), stream, [
      ...['codec', 'hwaccel', 'threads', 'hwaccel_output_format', 'hwaccel_device'],
    ]);
    const hwaccel = values.get('hwaccel');
    const named = allOptions(this.#command).filter(({ name }) => name.startsWith('hwaccel'));
    if (named.some(({ index }) => index < place.index || index >= place.index + place.length)) {
      throw new NotKnown('It has hardware options apart from those of its video.');
    }
    const family: Family | undefined = hwaccel === undefined ? 'software' : HWACCELS.get(hwaccel);
    const format = values.get('hwaccel_output_format');
    const expected = [
      ...(family === 'software' ? [] : ['hwaccel', 'hwaccel_device']),
      ...(family === 'cuda' ? ['threads'] : []),
      ...(format === undefined ? [] : ['hwaccel_output_format']),
    ];
    const complete = [...values.keys()].filter((name) => name !== 'codec').sort();
    const asKnown =
      complete.join() === expected.sort().join() &&
      (values.get('threads') ?? '1') === '1' &&
      (values.get('hwaccel_device') ?? family) === family &&
      (format ?? family) === family;
    if (!family || !asKnown)
      throw new NotKnown('Its decoder has options that are not PMS’s for this hardware.');
    const decoder = values.get('codec') ?? '';
    const codec = decoder === 'libdav1d' && family === 'software' ? 'av1' : decoder;
    return { family, codec, place, keepsOnGpu: format !== undefined };
  }

  /** Where the device stands in a command for a GPU, or would stand. */
  #device({ options }: ArgvFile, family: Family): Place | null {
    const devices = allOptions(this.#command).filter(({ name }) =>
      /_hw_device$|^(vaapi|qsv)_device$/.test(name),
    );
    if (family === 'software') {
      if (devices.length > 0) throw new NotKnown('It opens a GPU that its video does not use.');
      const graph = options.find(({ name }) => name === 'filter_complex')?.index ?? 0;
      const y = options.find(({ name }) => name === 'y')?.index ?? graph;
      return y < graph ? { index: y, length: 0 } : null;
    }
    const [init, filter] = devices;
    const isAsKnown =
      devices.length === 2 &&
      init?.name === 'init_hw_device' &&
      filter?.name === 'filter_hw_device' &&
      filter.index === init.index + 2 &&
      this.#value(init).startsWith(`${family}=${family}:`) &&
      this.#value(filter) === family;
    if (!isAsKnown || !options.includes(init)) throw new NotKnown('It does not open its GPU as PMS does.');
    return { index: init.index, length: 4 };
  }

  #picture(index: number, family: Family) {
    const graph = readGraph(readable(this.#argv[index] ?? ''));
    const chains = graph?.map((chain) => {
      const { inputs = [] } = chain[0] ?? {};
      const { outputs = [] } = chain.at(-1) ?? {};
      const labels = chain.flatMap((filter) => [...filter.inputs, ...filter.outputs]);
      if (inputs.length !== 1 || outputs.length !== 1 || labels.length !== 2) return null;
      return { from: inputs[0] ?? '', text: chain.map(({ text }) => text).join(','), to: outputs[0] ?? '' };
    });
    const stream = /^0:(\d+)$/.exec(chains?.[0]?.from ?? '')?.[1];
    const firstLabel = Number(chains?.[0]?.to ?? Number.NaN);
    const inRow = chains?.every((chain, position) => {
      const from = position === 0 ? `0:${stream}` : String(firstLabel + position - 1);
      return chain?.from === from && chain.to === String(firstLabel + position);
    });
    if (!chains || !inRow || stream === undefined) {
      throw new NotKnown('Its filter graph is not one row from the first input to the encoder.');
    }
    const steps = chains.map((chain) => chain?.text ?? '');
    const lastLabel = firstLabel + steps.length - 1;
    return { ...readPicture(steps, family), stream, firstLabel, lastLabel };
  }

  /** The options from the first on that are among the known ones of that stream, in their order. */
  #block(options: readonly ArgvOption[], specifier: string, known: readonly string[]) {
    const end = options.findIndex(
      (option) => option.specifier !== specifier || option.name === 'force_key_frames',
    );
    const block = options.slice(0, end < 0 ? options.length : end);
    const order = block.map(({ name }) => known.indexOf(name));
    const stranger = block[order.findIndex((at, position) => at < 0 || at <= (order[position - 1] ?? -1))];
    if (stranger) throw new NotKnown(`-${stranger.name}:${specifier} has no rule where it stands.`);
    const values = new Map(block.map((option) => [option.name, this.#value(option)]));
    return { values, place: { index: block[0]?.index ?? 0, length: 2 * block.length } };
  }

  #value(option: ArgvOption | undefined): string {
    const value = option?.valueIndex == null ? undefined : this.#argv[option.valueIndex];
    return typeof value === 'string' ? value : '';
  }
}
