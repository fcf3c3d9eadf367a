import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '#shared/errors.ts';
import { MARKER, originalIn } from '#shared/hookWrapper.ts';

const HEAD_BYTES = 16_384;
/** What ClusterPlex calls the transcoder that its own script stands for. */
const USUAL_NAME = 'originalTranscoder';

/**
 * The transcoder behind a hook, on a machine that is PMS's, too: a worker that ran the hook would submit what it was given
 * as a job, and see no codecs in a script.
 *
 * @throws where a hook leads nowhere
 */
export async function originalOf(file: string): Promise<string> {
  const head = await headOf(file);
  if (!head?.startsWith('#!')) return file;
  const isOurs = head.includes(MARKER);
  const original = (isOurs && originalIn(head)) || join(dirname(file), USUAL_NAME);
  const behind = await headOf(original);
  if (behind !== null && !behind.includes(MARKER)) return original;
  if (!isOurs) return file;
  const why = behind === null ? 'is not there' : 'is the hook, too';
  throw new Error(
    `${file} is the hook, and its original, ${original}, ${why}; reinstall Plex Media Server, or name its own transcoder ` +
      'by TRANSCODER_PATH and TRANSCODER_NAME',
  );
}

/** Null where there is no such file. One that this user may not read is no hook that anybody could run, either. */
async function headOf(path: string): Promise<string | null> {
  try {
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    return systemErrorCode(error) === 'ENOENT' ? null : '';
  }
}
