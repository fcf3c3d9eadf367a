import type { Server } from 'node:net';

/** The port at which it listens. */
export function portOf(server: Server): number {
  const found = server.address();
  return typeof found === 'object' && found !== null ? found.port : 0;
}
