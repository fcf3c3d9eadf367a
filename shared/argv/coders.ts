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
