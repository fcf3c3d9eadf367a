/**
 * EIO, ESTALE and ETIMEDOUT in the words of glibc and of musl, which Plex's transcoder is built with. And 512, ERESTARTSYS,
 * for which neither has any: the kernel says it to who opens a file while its NFS mount is forced off.
 */
const CAUSES = [
  'Input/output error',
  'I/O error',
  'Stale file handle',
  'Stale NFS file handle',
  'Connection timed out',
  'Operation timed out',
  'Error number -512 occurred',
  'No error information',
];

/**
 * Why a transcoder could not read its input on, by one line of its log; null when the line is about something else. It
 * ends what it has and exits with 0 all the same. ffmpeg wrote `INPUT: CAUSE` up to 6.0 and writes
 * `Error during demuxing: CAUSE` since; other lines with a cause are about its outputs and its calls.
 */
export function readErrorIn(line: string, inputs: readonly string[]): string | null {
  const cause = CAUSES.find((text) => line.trimEnd().endsWith(`: ${text}`));
  if (cause === undefined) return null;
  const subject = line.trimEnd().slice(0, -`: ${cause}`.length);
  return subject.endsWith('Error during demuxing') || inputs.includes(subject) ? cause : null;
}
