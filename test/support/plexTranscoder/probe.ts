import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Callbacks } from './callbacks.ts';

/** What ffprobe says of a stream. Numbers that it writes as text are text here, too. */
export interface ProbedStream {
  readonly index: number;
  readonly codec_type?: string;
  readonly codec_name?: string;
  readonly profile?: string;
  readonly bit_rate?: string;
  readonly width?: number;
  readonly height?: number;
  readonly level?: number;
  readonly avg_frame_rate?: string;
  readonly field_order?: string;
  readonly channels?: number;
  readonly channel_layout?: string;
  readonly sample_rate?: string;
  readonly id?: string;
  readonly tags?: { readonly language?: string };
}

export interface Probe {
  readonly streams: readonly ProbedStream[];
  /** Seconds; null when unknown (live TV, an unreadable input). */
  readonly duration: number | null;
}

interface Report {
  readonly streams?: readonly ProbedStream[];
  readonly format?: { readonly duration?: string };
}

interface Packets {
  readonly packets?: readonly { readonly pts_time: string; readonly duration_time?: string }[];
}

const NOTHING: Probe = { streams: [], duration: null };

/** An input that can't be probed has no streams: ffmpeg itself says what is wrong with it. */
export async function probe(ffprobe: string, input: string): Promise<Probe> {
  const options = ['-v', 'quiet', '-of', 'json', '-show_streams', '-show_format'];
  try {
    const { stdout } = await promisify(execFile)(ffprobe, [...options, '-i', input]);
    const report: Report = JSON.parse(stdout);
    const duration = Number(report.format?.duration);
    return { streams: report.streams ?? [], duration: duration > 0 ? duration : null };
  } catch {
    return NOTHING;
  }
}

/** Seconds from the first picture in a file to the end of its last; null when there is none. */
export async function pictureLength(ffprobe: string, input: string): Promise<number | null> {
  const asked = ['-v', 'quiet', '-of', 'json', '-select_streams', 'v:0'];
  const entries = ['-show_entries', 'packet=pts_time,duration_time'];
  const { stdout } = await promisify(execFile)(ffprobe, [...asked, ...entries, input]);
  const { packets = [] }: Packets = JSON.parse(stdout);
  if (packets.length === 0) return null;
  const starts = packets.map(({ pts_time: time }) => Number(time));
  const ends = packets.map(({ duration_time: length = 0 }, index) => (starts[index] ?? 0) + Number(length));
  return Math.max(...ends) - Math.min(...starts);
}

/** How many subtitle streams stand before stream `index`: ffmpeg's `subtitles` filter counts only those. */
export function subtitlePosition(probed: Probe, index: number): number {
  return probed.streams.filter((stream) => stream.codec_type === 'subtitle' && stream.index < index).length;
}

/** The calls that the genuine transcoder makes when it has opened its input. */
export async function announceInput(callbacks: Callbacks, base: string, probed: Probe): Promise<void> {
  const streams = probed.streams.filter(({ codec_type: type }) => type === 'video' || type === 'audio');
  for (const stream of streams) await callbacks.put(`${base}/stream?${query(identity(stream))}`);
  for (const stream of streams) await callbacks.put(`${base}/streamDetail?${query(detail(stream))}`);
  await callbacks.put(`${base}?duration=${probed.duration?.toFixed(6) ?? -1}`);
  for (const { width, height } of streams) {
    if (width && height) await callbacks.put(`${base}?width=${width}&height=${height}`);
  }
}

type Fields = Readonly<Record<string, string | number | undefined>>;

function identity(stream: ProbedStream): Fields {
  const { index, id, codec_name: codec, codec_type: type } = stream;
  return { index, id: id === undefined ? 0 : Number(id), codec, type };
}

function detail(stream: ProbedStream): Fields {
  const common = {
    ...identity(stream),
    bitrate: stream.bit_rate,
    profile: stream.profile,
    language: stream.tags?.language,
  };
  if (stream.codec_type === 'audio') {
    const { channels, channel_layout: layout, sample_rate: sampleRate } = stream;
    return { ...common, channels, layout, sampleRate };
  }
  const { width, height, level } = stream;
  const interlaced = ['tt', 'bb', 'tb', 'bt'].includes(stream.field_order ?? '') ? 1 : 0;
  return { ...common, width, height, interlaced, level, frameRate: frameRate(stream)?.toFixed(3) };
}

export function frameRate(stream: ProbedStream): number | null {
  const [numerator = 0, denominator = 1] = (stream.avg_frame_rate ?? '').split('/').map(Number);
  const rate = numerator / denominator;
  return rate > 0 ? rate : null;
}

function query(fields: Fields): string {
  return Object.entries(fields)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]))
    .join('&');
}
