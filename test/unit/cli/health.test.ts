import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { portOf } from '../../support/portOf.ts';

const health = fileURLToPath(new URL('../../../cli/health.ts', import.meta.url));

let answer = '';
const server = createServer((socket) => socket.once('data', () => socket.end(answer)));
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

describe('the health check', () => {
  it('takes an answer of PMS, which repeats Content-Length', async () => {
    answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok';
    await expect(ask(portOf(server))).resolves.toMatchObject({ stderr: '' });
  });

  it.each([
    ['a refusal', 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n', /\/identity says 503/],
    ['what is no answer', 'HTTP', /closed without an answer/],
  ])('fails at %s', async (_what, said, why) => {
    answer = said;
    await expect(ask(portOf(server))).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(why) });
  });

  it('asks an address of IPv6, and for all of the path', async () => {
    let asked = '';
    const listening = createServer((socket) =>
      socket.once('data', (data) => {
        asked = String(data);
        socket.end('HTTP/1.1 200 OK\r\n\r\n');
      }),
    );
    await new Promise<void>((resolve) => listening.listen(0, '::1', resolve));
    await promisify(execFile)(process.execPath, [health, `http://[::1]:${portOf(listening)}/ready?all`]);
    expect(asked).toMatch(/^GET \/ready\?all HTTP/);
    await new Promise((resolve) => listening.close(resolve));
  });

  it('fails where nobody listens', async () => {
    await expect(ask(1)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('ECONNREFUSED') });
  });
});

function ask(port: number) {
  return promisify(execFile)(process.execPath, [health, `http://127.0.0.1:${port}/identity`]);
}
