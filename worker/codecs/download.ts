import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { unescape as decoded } from 'node:querystring';
import { fileURLToPath } from 'node:url';
import { systemErrorCode } from '#shared/errors.ts';
import { VERSION } from '#shared/version.ts';

export interface DownloadLimits {
  /** How long nothing may arrive. */
  readonly stallMs: number;
  /** How long a file may take in all. */
  readonly fileMs: number;
}

/** A download that another try would not mend. */
export class FinalFailure extends Error {
  override readonly name = 'FinalFailure';
}

/** Answers after which the same question gets another answer. */
const PASSING = new Set([408, 425, 429]);

/**
 * Writes what stands at an http(s) or file address into a new file, down to the disk.
 *
 * @returns its size, or null when there is nothing at the address
 * @throws FinalFailure, or what went wrong on the way
 */
export async function download(
  address: string,
  path: string,
  limits: DownloadLimits,
): Promise<number | null> {
  const stalled = new AbortController();
  const watch = setTimeout(() => {
    stalled.abort(new Error(`nothing arrived for ${limits.stallMs} ms`));
  }, limits.stallMs);
  const deadline = AbortSignal.timeout(limits.fileMs);
  try {
    const body = await opened(address, AbortSignal.any([stalled.signal, deadline]));
    if (body === null) return null;
    const file = await open(path, 'wx', 0o644);
    try {
      let size = 0;
      for await (const chunk of body) {
        watch.refresh();
        size += chunk.length;
        await file.writeFile(chunk);
      }
      await file.sync();
      return size;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (stalled.signal.aborted) throw stalled.signal.reason;
    if (deadline.aborted) throw new Error(`it took longer than ${limits.fileMs} ms`);
    throw reasonOf(error);
  } finally {
    clearTimeout(watch);
  }
}

async function opened(address: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | null> {
  if (address.startsWith('file:')) return openFile(fileURLToPath(address), signal);
  const { url, authorization } = withoutCredentials(address);
  const response = await fetch(url, {
    signal,
    headers: { 'user-agent': `clusterplex/${VERSION}`, ...authorization },
  });
  if (response.ok && response.body) return response.body;
  await response.body?.cancel();
  const { status } = response;
  if (status === 404 || status === 410) return null;
  const message = `${url.host} answered ${status}`;
  throw status < 500 && !PASSING.has(status) ? new FinalFailure(message) : new Error(message);
}

/** `fetch` refuses an address with a password in it, and its error would show that to everybody. */
function withoutCredentials(address: string) {
  const url = new URL(address);
  const { username, password } = url;
  if (username === '' && password === '') return { url, authorization: {} };
  url.username = '';
  url.password = '';
  const credentials = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64');
  return { url, authorization: { authorization: `Basic ${credentials}` } };
}

async function openFile(path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | null> {
  try {
    const file = await open(path);
    return createReadStream(path, { fd: file, signal });
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** `fetch failed` says nothing; what it has for a cause does. */
function reasonOf(error: unknown): unknown {
  return error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
}
