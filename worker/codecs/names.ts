import { readFileSync } from 'node:fs';

/** The codecs that Plex offers beside its transcoder: 305 decoders and 4 encoders, a name each line. */
export const CODEC_NAMES: readonly string[] = readFileSync(new URL('codecs.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n');

/** Without these most playback fails, so a worker that lacks one takes no jobs. What Plex drops is not among them. */
export const PLAYBACK_CODECS: ReadonlySet<string> = new Set([
  'libaac_decoder',
  'libaac_encoder',
  'libac3_decoder',
  'libac3_encoder',
  'libdca_decoder',
  'libh264_decoder',
  'libhevc_decoder',
  'liblibmp3lame_encoder',
  'liblibx264_encoder',
  'libmp3_decoder',
  'libmpeg2video_decoder',
  'libmpeg4_decoder',
  'libvc1_decoder',
]);
