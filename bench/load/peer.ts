import { once } from 'node:events';
import { WebSocket } from 'ws';
import { SUBPROTOCOL } from '#shared/protocol/messages.ts';

/** Opens one connection, as a relay or worker does. */
export async function dial(url: string, role: 'relay' | 'worker'): Promise<WebSocket> {
  const address = `${url.replace('http', 'ws')}/ws/${role}`;
  const socket = new WebSocket(address, SUBPROTOCOL, { perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}

/** Opens many, some at a time: a listener's backlog is short. */
export async function dialMany(
  count: number,
  url: string,
  role: 'relay' | 'worker',
  greet: (socket: WebSocket, index: number) => void,
): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  const AT_ONCE = 50;
  while (sockets.length < count) {
    const first = sockets.length;
    const some = Math.min(AT_ONCE, count - first);
    const opened = await Promise.all(Array.from({ length: some }, () => dial(url, role)));
    for (const [index, socket] of opened.entries()) greet(socket, first + index);
    sockets.push(...opened);
  }
  return sockets;
}
