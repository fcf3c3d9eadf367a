import { gpuEncoder, softwareDecoder, softwareEncoder } from '#shared/argv/coders.ts';
import type { VideoPart } from '#shared/argv/videoPart.ts';
import type { Gpu } from '#shared/capabilities.ts';
import { softwareRate, vaapiRate } from './rate.ts';

/** A GPU by an interface for which PMS's way of writing is known. */
export interface KnownGpu extends Gpu {
  readonly api: 'cuda' | 'vaapi';
}

/** What does the work. Null: the CPU. A GPU that encodes decodes, too. */
export interface Target {
  readonly decodes: KnownGpu | null;
  readonly encodes: KnownGpu | null;
}

/** The video part of a command as PMS writes it for some hardware (design/plex-transcoder 5, design/scaleplex 5). */
export interface Form {
  readonly decoder: readonly string[];
  readonly device: readonly string[];
  /** The filters between decoder and encoder; each takes the label of the one before. */
  readonly steps: readonly string[];
  readonly encoder: readonly string[];
}

export function formOf(part: VideoPart, target: Target): Form {
  const { decodes, encodes } = target;
  return {
    decoder: decoder(part, target),
    device: decodes ? ['-init_hw_device', deviceOf(decodes), '-filter_hw_device', decodes.api] : [],
    steps: encodes ? gpuSteps(part, encodes) : softwareSteps(part),
    encoder: encodes ? gpuEncoding(part, encodes) : softwareEncoding(part),
  };
}

function decoder({ codec, stream }: VideoPart, { decodes, encodes }: Target): string[] {
  if (!decodes) return [`-codec:${stream}`, softwareDecoder(codec)];
  const { api } = decodes;
  return [
    ...[`-codec:${stream}`, codec, `-hwaccel:${stream}`, api === 'cuda' ? 'nvdec' : api],
    ...(api === 'cuda' ? [`-threads:${stream}`, '1'] : []),
    // Without it, pictures leave the GPU after they were decoded.
    ...(encodes ? [`-hwaccel_output_format:${stream}`, api] : []),
    ...[`-hwaccel_device:${stream}`, api],
  ];
}

function deviceOf({ api, device, driver }: KnownGpu): string {
  if (api === 'cuda') return `cuda=cuda:pci:${device}`;
  return `vaapi=vaapi:${device}${driver === null ? '' : `,driver=${driver}`}`;
}

function softwareSteps({ width, height, divisible, tonemap, bitDepth, burnIn }: VideoPart): string[] {
  return [
    `scale=w=${width}:h=${height}${divisible ? ':force_divisible_by=4' : ''}`,
    ...(tonemap === null ? [] : [`format=p010,tonemap=${tonemap}`]),
    bitDepth === 10 ? 'format=pix_fmts=yuv420p10le' : 'format=pix_fmts=yuv420p|nv12',
    ...(burnIn === null ? [] : [burnIn]),
  ];
}

function gpuSteps({ width, height, tonemap, bitDepth, burnIn }: VideoPart, { api }: KnownGpu): string[] {
  const encoded = bitDepth === 10 ? 'p010' : 'nv12';
  return [
    'hwupload',
    `scale_${api}=w=${width}:h=${height}:format=${tonemap === null ? encoded : 'p010'}`,
    ...(tonemap === null ? [] : [`tonemap_${api}=${tonemap}:${encoded}`]),
    ...(burnIn === null ? [] : [`hwdownload,format=${encoded}`, burnIn]),
    ...(api === 'vaapi' ? ['hwupload'] : []),
  ];
}

function softwareEncoding(part: VideoPart): string[] {
  const { encoding, maxrate, bufsize, frameRate } = part;
  const { crf, preset, level, x264opts } = softwareRate(part);
  const limits = ['-crf:0', crf, '-maxrate:0', maxrate, '-bufsize:0', bufsize];
  const codec = ['-codec:0', softwareEncoder(encoding)];
  // PMS never writes this one. Without forced-idr no segment could begin where PMS wants it.
  if (encoding === 'hevc') {
    return [...codec, ...limits, '-forced-idr:0', '1', '-r:0', frameRate, '-preset:0', preset];
  }
  const levels = level === null ? [] : ['-level:0', level];
  return [...codec, ...limits, '-r:0', frameRate, '-preset:0', preset, ...levels, '-x264opts:0', x264opts];
}

function gpuEncoding(part: VideoPart, { api }: KnownGpu): string[] {
  const { encoding, maxrate, bufsize, frameRate } = part;
  const codec = ['-codec:0', gpuEncoder(encoding, api)];
  const limits = ['-maxrate:0', maxrate, '-bufsize:0', bufsize];
  if (api === 'cuda') return [...codec, '-b:0', maxrate, ...limits, '-forced-idr:0', '1', '-r:0', frameRate];
  return [...codec, ...vaapiRate(part), ...limits, '-r:0', frameRate, '-sei:0', '-a53_cc'];
}
