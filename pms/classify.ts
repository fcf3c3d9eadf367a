import { readCommand, type TranscoderCommand, valuesOf } from '#shared/argv/command.ts';
import type { ByteString } from '#shared/bytes.ts';
import type { JobClass } from '#shared/job.ts';
import { JobSecrets } from '#shared/jobSecrets.ts';

/** What the relay has to know of a command, besides the command itself. */
export interface Classification {
  readonly jobClass: JobClass;
  readonly session: string | null;
  readonly title: string;
}

/** None is longer where it is told. */
const SESSION_PATH = /\/video\/:\/transcode\/session\/([^/?]{1,1024})(?![^/?])/;

/** @param env what it may keep secret is in no title */
export function classify(
  argv: readonly ByteString[],
  env: Readonly<Record<string, ByteString>> = {},
): Classification {
  const command = readCommand(argv);
  return {
    jobClass: isPlayback(argv, command) ? 'playback' : 'background',
    session: sessionOf(argv, command),
    title: titleOf(new JobSecrets({ argv, env }, []).argv(argv), command),
  };
}

/**
 * Somebody waits for segments, or for a stream on stdout. Optimised versions, detection and thumbnails write whole
 * files: into the library, into Transcode/Detection, or without any callback (design/plex-transcoder 4).
 */
function isPlayback(argv: readonly ByteString[], command: TranscoderCommand): boolean {
  if (valuesOf(argv, command, 'manifest_name').length > 0) return true;
  const muxers = valuesOf(argv, command, 'f');
  if (muxers.some((muxer) => ['dash', 'hls', 'ssegment', 'segment', 'stream_segment'].includes(muxer))) {
    return true;
  }
  return command.outputs.some(({ index }) => argv[index] === '-');
}

function sessionOf(argv: readonly ByteString[], command: TranscoderCommand): string | null {
  for (const option of ['progressurl', 'manifest_name', 'segment_list']) {
    for (const url of valuesOf(argv, command, option)) {
      const session = SESSION_PATH.exec(url)?.[1];
      if (session) return session;
    }
  }
  return null;
}

function titleOf(shown: readonly string[], command: TranscoderCommand): string {
  const input = command.inputs[0];
  const name = input ? shown[input.index] : undefined;
  if (name === undefined) return '(no input)';
  // The query of a URL holds tokens and tells nobody anything.
  const plain = /^[a-z]+:\/\//i.test(name) ? name.replace(/\?.*$/s, '') : name;
  return plain.slice(plain.lastIndexOf('/') + 1).slice(0, 300) || plain.slice(0, 300);
}
