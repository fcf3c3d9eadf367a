import { lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { CodedError, systemErrorCode } from '#shared/errors.ts';

/** What the kernel has room for (`sockaddr_un`). */
const MAX_PATH_BYTES = 107;

/**
 * Makes room for a socket at the path: its directory exists, and what an earlier relay left there is gone.
 *
 * @throws CodedError `bad-settings` when something else stands there, or may not be changed
 */
export async function clearSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw wrong(`${path} is longer than ${MAX_PATH_BYTES} bytes`, 'set a shorter one, for relay and hook');
  }
  const directory = dirname(path);
  try {
    mkdirSync(directory, { recursive: true });
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (!found) return;
    if (!found.isSocket()) throw wrong(`${path} exists and is not a socket`, 'set a path that is free');
    if (await isServed(path)) {
      throw wrong(`another relay serves ${path}`, 'stop it, or give each its own RELAY_SOCKET');
    }
    unlinkSync(path);
  } catch (error) {
    throw unusable(error, path);
  }
}

/** Why there can be no socket at the path, for people; what is no error of the file system stays as it is. */
export function unusable(error: unknown, path: string): unknown {
  const code = systemErrorCode(error);
  if (code === null) return error;
  const directory = dirname(path);
  return wrong(
    `no socket can be made at ${path} (${code})`,
    `make ${directory} for the user that PMS and relay run as (systemd: RuntimeDirectory=), or set another RELAY_SOCKET`,
    error,
  );
}

function wrong(problem: string, hint: string, cause?: unknown): CodedError {
  return new CodedError('bad-settings', `RELAY_SOCKET is wrong: ${problem}`, hint, { cause });
}

/** A socket file outlives its server; only connecting tells. Who may not connect does not know. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      if (['ECONNREFUSED', 'ENOENT'].includes(systemErrorCode(error) ?? '')) resolve(false);
      else reject(error);
    });
  });
}
