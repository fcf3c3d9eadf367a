import { type Static, Type } from 'typebox';
import {
  type GpuCoders,
  gpuCoders,
  softwareDecoder,
  softwareEncoder,
  TRIED_DECODERS,
} from './argv/coders.ts';
import { type ArgvOption, allOptions, readCommand } from './argv/command.ts';
import { readVideoPart, type VideoPart } from './argv/videoPart.ts';
import { type ByteString, readable } from './bytes.ts';
import { type Capabilities, type Gpu, GpuApi } from './capabilities.ts';

const strict = { additionalProperties: false };
const Names = Type.Array(Type.String());
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

/** What a command asks for of a GPU. */
export const HardwareRequirement = Type.Object(
  {
    api: GpuApi,
    /** The codec that the GPU is to decode; null when it decodes nothing, or nobody says what. */
    decoder: nullable(Type.String()),
    /** The encoder that the GPU is to be, such as `hevc_nvenc`; null when it encodes nothing. */
    encoder: nullable(Type.String()),
  },
  strict,
);
export type HardwareRequirement = Static<typeof HardwareRequirement>;

/** What a command asks of the worker that runs it, as far as the command says. */
export const Requirements = Type.Object(
  {
    /** As PMS names them; without those of the GPU, and those of EasyAudioEncoder. */
    decoders: Names,
    encoders: Names,
    hardware: nullable(HardwareRequirement),
    /** Dolby's codecs, by EasyAudioEncoder: those that it names. */
    eae: Names,
    /** It reads from PMS (live TV): the relay passes that on, so it asks nothing of a worker. */
    liveInput: Type.Boolean(),
    /** The video; null when none is encoded, or when the rules of the hardware adaptation do not cover it. */
    video: nullable(
      Type.Object(
        {
          source: Type.String(),
          encoding: Type.Union([Type.Literal('h264'), Type.Literal('hevc')]),
          width: Type.Integer(),
          height: Type.Integer(),
          bitDepth: Type.Integer(),
          /** The source is HDR, and what is encoded is not. */
          toneMapped: Type.Boolean(),
        },
        strict,
      ),
    ),
  },
  { ...strict, title: 'Requirements' },
);
export type Requirements = Static<typeof Requirements>;

const CODEC_OPTIONS = ['codec', 'c', 'vcodec', 'acodec', 'scodec'];

/** Which GPU something asks for by its name: a hwaccel, an encoder, a filter. */
const NAMED_GPU: readonly (readonly [RegExp, GpuApi])[] = [
  [/^(nvdec|cuda|cuvid)$|_(nvenc|cuvid|cuda|npp)\b/, 'cuda'],
  [/^vaapi$|_vaapi\b/, 'vaapi'],
  [/^qsv$|_qsv\b/, 'qsv'],
];

/** The codecs of decoders that are called otherwise: it depends on how a transcoder was asked which of them it lists. */
const CODEC_OF_DECODER: ReadonlyMap<string, string> = new Map([
  ['libdav1d', 'av1'],
  ['dca', 'dts'],
  ['mp3float', 'mp3'],
  ['srt', 'subrip'],
  ['ssa', 'ass'],
]);

export function requirementsOf(argv: readonly ByteString[]): Requirements {
  const command = readCommand(argv);
  const options = allOptions(command);
  const value = ({ valueIndex }: ArgvOption): string =>
    valueIndex === null ? '' : readable(argv[valueIndex] ?? '');
  const codecs = options.filter(({ name }) => CODEC_OPTIONS.includes(name));
  const inputOptions = new Set(command.inputs.flatMap((input) => input.options));
  const decoding = codecs.filter((option) => inputOptions.has(option));
  const encoding = codecs.filter((option) => !inputOptions.has(option) && value(option) !== 'copy');

  const accelerated = options.filter(({ name }) => name === 'hwaccel');
  const onGpu = ({ specifier }: ArgvOption): boolean =>
    accelerated.some((hwaccel) => hwaccel.specifier === specifier);
  const encoder = encoding.map(value).find((name) => gpuApi(name) !== null) ?? null;
  const graphs = options.filter(({ name }) => /^(filter_complex|lavfi|filter|vf|af)$/.test(name)).map(value);
  const decoder = decoding.find(onGpu);
  const api = [...accelerated.map(value), encoder ?? '', ...graphs.flatMap(filterNames)]
    .map(gpuApi)
    .find((found) => found !== null);

  const part = readVideoPart(argv, command);
  const named = [...decoding.filter((option) => !onGpu(option)), ...encoding].map(value);
  const isOwn = (name: string): boolean => !name.endsWith('_eae') && gpuApi(name) === null;
  return {
    decoders: unique(
      decoding
        .filter((option) => !onGpu(option))
        .map(value)
        .filter(isOwn),
    ),
    encoders: unique(encoding.map(value).filter(isOwn)),
    hardware: api ? { api, decoder: decoder ? value(decoder) : null, encoder } : null,
    eae: unique(named.filter((name) => name.endsWith('_eae'))),
    liveInput: command.inputs.some(({ index }) =>
      /^https?:\/\/[^/]*\/(job\/[^/]+\/)?livetv\//.test(readable(argv[index] ?? '')),
    ),
    video: 'problem' in part ? null : videoOf(part),
  };
}

export function videoOf(part: VideoPart): NonNullable<Requirements['video']> {
  const { codec, encoding, width, height, bitDepth, tonemap } = part;
  const size = { width: Number(width), height: Number(height) };
  return { source: codec, encoding, ...size, bitDepth, toneMapped: tonemap !== null };
}

/**
 * Why a worker could never run the command, whatever its load; null when it could. Nobody is held to lists that are
 * empty: they say that the transcoder could not be asked.
 *
 * @param software after its hardware has failed, the job is to do without any
 */
export function whyIneligible(
  capabilities: Capabilities,
  { hardware, video, ...needs }: Requirements,
  software: boolean,
): string | null {
  const { decoders, encoders, gpus, eae, adaptation } = capabilities;
  const hasDecoder = (name: string): boolean =>
    decoders.length === 0 ||
    [name, CODEC_OF_DECODER.get(name) ?? name].some((known) => decoders.includes(known));
  const hasEncoder = (name: string): boolean => encoders.length === 0 || encoders.includes(name);
  const lacking = (coders: readonly string[], kind: string): string | null =>
    coders.length > 0 ? `its transcoder has no ${kind} ${coders.join(', ')}` : null;

  const problem =
    lacking(
      needs.decoders.filter((name) => !hasDecoder(name)),
      'decoder',
    ) ??
    lacking(
      needs.encoders.filter((name) => !hasEncoder(name)),
      'encoder',
    ) ??
    (!eae && needs.eae.length > 0 ? `it has no EasyAudioEncoder for ${needs.eae.join(', ')}` : null);
  if (problem !== null || !hardware) return problem;

  const { api, decoder, encoder } = hardware;
  const needed = video ? gpuCoders(video, api) : { decoder, encoder, filters: [] };
  const written: GpuCoders = {
    decoder: decoder && needed.decoder && isTried(needed.decoder) ? needed.decoder : null,
    encoder: encoder && needed.encoder,
    filters: encoder ? needed.filters : [],
  };
  const canAll = (gpu: Gpu): boolean => gpu.api === api && hasProved(gpu, written);
  if (!software && (isUnasked(capabilities) || gpus.some(canAll))) return null;
  if (adaptation === 'off' || video === null) {
    return software ? 'it can not do without hardware' : `it has no GPU that proved this (${api})`;
  }
  const canInstead = (gpu: Gpu): boolean => hasProved(gpu, gpuCoders(video, gpu.api));
  if (!software && gpus.some(canInstead)) return null;
  return (
    lacking(
      [softwareDecoder(video.source)].filter((name) => !hasDecoder(name)),
      'decoder',
    ) ??
    lacking(
      [softwareEncoder(video.encoding)].filter((name) => !hasEncoder(name)),
      'encoder',
    )
  );
}

function hasProved(gpu: Gpu, { decoder, encoder, filters }: GpuCoders): boolean {
  return (
    (decoder === null || gpu.decoders.includes(decoder)) &&
    (encoder === null || gpu.encoders.includes(encoder)) &&
    filters.every((name) => gpu.filters.includes(name))
  );
}

/** PMS has its own list of what GPUs decode, and it is longer than that of our trials. */
function isTried(decoder: string): boolean {
  return TRIED_DECODERS.some((tried) => tried === decoder);
}

/** Nothing is known of what the transcoder can do: it could not be asked. */
export function isUnasked({ encoders, gpus }: Capabilities): boolean {
  return encoders.length === 0 && gpus.length === 0;
}

function gpuApi(name: string): GpuApi | null {
  return NAMED_GPU.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

/** The first word of every filter; what stands in quotes and options only looks like one by chance. */
function filterNames(graph: string): string[] {
  return [...graph.matchAll(/(?:^|[\],;])\s*([a-z0-9_]+)/gi)].map(([, name = '']) => name);
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
