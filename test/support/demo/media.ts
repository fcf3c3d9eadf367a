import ffmpeg from 'fluent-ffmpeg';
import { CodedError } from '#shared/errors.ts';

export interface MediaStream {
  readonly index: number;
  readonly codec: string;
}

export interface Media {
  /** Seconds. */
  readonly duration: number;
  readonly video: MediaStream & { readonly width: number; readonly height: number };
  readonly audio: MediaStream;
  /** The first subtitle that is text; null without one. */
  readonly subtitle: MediaStream | null;
}

const TEXT_SUBTITLES = ['ass', 'ssa', 'subrip', 'srt', 'mov_text', 'webvtt', 'text'];

/** What a file holds, by ffprobe. Fails with a sentence when there is nothing to show. */
export async function probeMedia(file: string, ffprobe: string): Promise<Media> {
  const { streams, format } = await probe(file, ffprobe);
  const found = (
    type: string,
    fits = (_codec: string): boolean => true,
  ): ffmpeg.FfprobeStream | undefined => {
    return streams.find(({ codec_type, codec_name = '' }) => codec_type === type && fits(codec_name));
  };
  const video = found('video');
  const audio = found('audio');
  if (!video?.width || !video.height || !audio) {
    throw new CodedError('bad-request', `${file} is not a film with a picture and sound`);
  }
  // A film mostly has its best subtitles last.
  const subtitle =
    found('subtitle', (codec) => codec === 'ass') ??
    found('subtitle', (codec) => TEXT_SUBTITLES.includes(codec));
  return {
    duration: Number(format.duration),
    video: { ...described(video), width: video.width, height: video.height },
    audio: described(audio),
    subtitle: subtitle ? described(subtitle) : null,
  };
}

/** When a segment begins and ends, in seconds of the film. */
export async function spanOf(file: string, ffprobe: string): Promise<{ start: number; end: number }> {
  const { format } = await probe(file, ffprobe);
  const start = Number(format.start_time);
  return { start, end: start + Number(format.duration) };
}

function probe(file: string, ffprobe: string): Promise<ffmpeg.FfprobeData> {
  return new Promise((resolve, reject) => {
    ffmpeg(file)
      .setFfprobePath(ffprobe)
      .ffprobe((error: unknown, data) => {
        if (!error) resolve(data);
        else
          reject(
            new CodedError('bad-request', `${file} is not a film that ffprobe can read`, null, {
              cause: error,
            }),
          );
      });
  });
}

function described({ index, codec_name = '' }: ffmpeg.FfprobeStream): MediaStream {
  return { index, codec: codec_name };
}
