import type { FfmpegTools } from '../ffmpeg.ts';
import type { Listing } from './dashOutput.ts';

/** Of one installation; the script that starts the stand-in hands it over in front of the transcoder's arguments. */
export interface StandInConfig extends FfmpegTools {
  readonly listing: Listing;
}
