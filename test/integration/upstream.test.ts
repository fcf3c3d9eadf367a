import { once } from 'node:events';
import { request } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { connectionToPms } from '../../pms/relay/upstream.ts';

const BODY = Buffer.alloc(8 * 1024 * 1024, 'x');

/** Reads a reply of PMS as slowly as a busy relay; not before `from`. */
async function bodyOf(answer: (socket: Socket) => void, from = Promise.resolve()): Promise<number> {
  const pms = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  });
  pms.listen(0, '127.0.0.1');
  await once(pms, 'listening');
  const address = pms.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  try {
    const asked = request({ path: '/', createConnection: () => connectionToPms(port) }).end();
    const [reply] = await once(asked, 'response');
    await from;
    let length = 0;
    for await (const part of reply) {
      length += part.length;
      await turn();
    }
    return length;
  } finally {
    pms.close();
  }
}

test.each(['close', 'keep-alive'])('all of a long reply is read, with Connection: %s', async (connection) => {
  const length = `Content-Length: ${BODY.length}\r\n`;
  const whole = bodyOf((socket) => {
    socket.end(`HTTP/1.1 200 OK\r\n${length}${length}Connection: ${connection}\r\n\r\n`);
  });
  // Nothing followed the head.
  await expect(whole).rejects.toThrow('aborted');
  const head = `HTTP/1.1 200 OK\r\n${length}${length}Connection: ${connection}\r\n\r\n`;
  expect(await bodyOf((socket) => socket.end(Buffer.concat([Buffer.from(head), BODY])))).toBe(BODY.length);
});

test('what has come before PMS closed is read after it', async () => {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const [first, last] = [BODY.subarray(0, 70_000), BODY.subarray(0, 10_000)];
  const length = await bodyOf((socket) => {
    socket.on('close', close);
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 80000\r\n\r\n');
    // Apart, so that the last one does not fill a buffer.
    socket.write(first, () => setTimeout(() => socket.end(last), 50));
  }, closed);
  expect(length).toBe(80_000);
});

test('a head that comes in pieces, after an interim one', async () => {
  const pieces = [
    'HTTP/1.1 100 Continue\r\n',
    '\r\nHTTP/1.1 200 OK\r\nContent-Le',
    'ngth: 3\r\nContent-Length: 3\r\n\r',
    '\nabc',
  ];
  const length = await bodyOf((socket) => {
    const next = (): void => {
      const piece = pieces.shift();
      if (piece !== undefined) socket.write(piece, () => setImmediate(next));
    };
    next();
  });
  expect(length).toBe(3);
});

test('a body without a length ends with the connection', async () => {
  const head = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n';
  expect(await bodyOf((socket) => socket.end(Buffer.concat([Buffer.from(head), BODY])))).toBe(BODY.length);
});
