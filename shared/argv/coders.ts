import type { GpuApi } from '../capabilities.ts';

export type Encoding = 'h264' | 'hevc';

/** What CPUs use for what a GPU decodes or encodes, where its name is another. */
const SOFTWARE_DECODERS: ReadonlyMap<string, string> = new Map([['av1', 'libdav1d']]);
const SOFTWARE_ENCODERS = { h264: 'libx264', hevc: 'libx265' } as const;

export function softwareDecoder(codec: string): string {
  return SOFTWARE_DECODERS.get(codec) ?? codec;
}

export function softwareEncoder(encoding: Encoding): string {
  return SOFTWARE_ENCODERS[encoding];
}

export function gpuEncoder(encoding: Encoding, api: GpuApi): string {
  return `${encoding}_${api === 'cuda' ? 'nvenc' : api}`;
}

/** What every GPU's decoder is tried with; of others nobody knows. */
export const TRIED_DECODERS = ['h264', 'hevc', 'hevc10', 'vp8', 'vp9', 'av1', 'mpeg2video'] as const;

/** A picture's way through a GPU. */
export interface Coding {
  readonly source: string;
  readonly encoding: Encoding;
  readonly bitDepth: number;
  readonly toneMapped: boolean;
}

/** Of a GPU, by the names of their trials; null where the CPU does that. */
export interface GpuCoders {
  readonly decoder: string | null;
  readonly encoder: string | null;
  readonly filters: readonly string[];
}

/**
 * What a GPU must have proved for it. HEVC in 10 bits is proved apart, since older cards do 8 bits only. A command does not
 * say how many its source has: 10 when what is made of it has, or when it is HDR.
 */
export function gpuCoders({ source, encoding, bitDepth, toneMapped }: Coding, api: GpuApi) {
  const encoder = gpuEncoder(encoding, api);
  return {
    decoder: bitDepth === 10 || toneMapped ? inTenBits(source) : source,
    encoder: bitDepth === 10 ? inTenBits(encoder) : encoder,
    filters: [`scale_${api}`, ...(toneMapped ? [`tonemap_${api}`] : [])],
  };
}

/** The trial's name of a decoder or an encoder that works in 10 bits: `hevc10`, `hevc10_nvenc`. */
export function inTenBits(coder: string): string {
  return coder.replace(/^hevc(?=_|$)/, 'hevc10');
}
