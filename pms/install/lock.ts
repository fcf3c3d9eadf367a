import { once } from 'node:events';
import { statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { systemErrorCode } from '#shared/errors.ts';

/**
 * Runs `work` while no other installation works in the directory. The lock is an abstract unix socket: the kernel
 * releases it whatever happens to its holder, and whoever waits sees the connection close.
 */
export async function withLock<T>(directory: string, work: () => T): Promise<T> {
  const { dev, ino } = statSync(directory);
  const path = `\0clusterplex-install-${dev}-${ino}`;
  const server = createServer();
  for (;;) {
    server.listen(path);
    try {
      await once(server, 'listening');
      break;
    } catch (error) {
      if (systemErrorCode(error) !== 'EADDRINUSE') throw error;
    }
    await holderGone(path);
  }
  // `work` is synchronous: whoever connects meanwhile waits in the kernel's queue, until the lock is gone.
  server.on('connection', (socket) => socket.destroy());
  try {
    return work();
  } finally {
    server.close();
  }
}

async function holderGone(path: string): Promise<void> {
  const socket = connect(path);
  socket.resume();
  // An error only means that the holder is gone already.
  await new Promise<void>((resolve) => {
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}
