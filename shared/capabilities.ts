import { type Static, Type } from 'typebox';

const strict = { additionalProperties: false };
const Word = Type.String({ minLength: 1, maxLength: 256 });
const Words = Type.Array(Word, { maxItems: 2048 });

/** By which interface a transcoder reaches a GPU. */
export const GpuApi = Type.Union([Type.Literal('cuda'), Type.Literal('vaapi'), Type.Literal('qsv')]);
export type GpuApi = Static<typeof GpuApi>;

/** One GPU of a worker, by one interface, with what it proved by trial there. */
export const Gpu = Type.Object(
  {
    /** The same on every worker that shares the card: its UUID, or host and PCI address. */
    id: Word,
    api: GpuApi,
    name: Word,
    /** What a command names it by: a PCI address (cuda) or a render node. */
    device: Word,
    /** Of VAAPI, such as `iHD`; null elsewhere. */
    driver: Type.Union([Word, Type.Null()]),
    /** Codecs that it decodes, such as `hevc`; `hevc10` in 10 bits. */
    decoders: Words,
    /** As the transcoder names them, such as `hevc_nvenc`; `hevc10_nvenc` in 10 bits. */
    encoders: Words,
    /** As the transcoder names them, such as `scale_cuda`. */
    filters: Words,
    /** How many encoder sessions the whole card has; null when it has no known limit. */
    sessionLimit: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
  },
  strict,
);
export type Gpu = Static<typeof Gpu>;

/** What a worker does with commands that ask for hardware, or that could use some (HARDWARE_ADAPTATION). */
export const ADAPTATIONS = ['off', 'translate', 'accelerate'] as const;
export type Adaptation = (typeof ADAPTATIONS)[number];

/** What a worker's transcoder proved that it can do. Empty lists of names claim nothing: it was not possible to ask. */
export const Capabilities = Type.Object(
  {
    decoders: Words,
    encoders: Words,
    filters: Words,
    gpus: Type.Array(Gpu, { maxItems: 64 }),
    /** Commands with Dolby's codecs can run: by a licensed EasyAudioEncoder, or by a transcoder that needs none. */
    eae: Type.Boolean(),
    adaptation: Type.Enum([...ADAPTATIONS]),
  },
  strict,
);
export type Capabilities = Static<typeof Capabilities>;

/** What a worker claims that nothing is known of. */
export const NO_CAPABILITIES: Capabilities = {
  decoders: [],
  encoders: [],
  filters: [],
  gpus: [],
  eae: true,
  adaptation: 'off',
};
