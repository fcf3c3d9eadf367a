// `node health.js URL`: whether it answers, for images without curl. Exit code 0 or 1, and the reason on stderr.
import { connect } from 'node:net';
import { coerceError } from '#shared/errors.ts';

const PATIENCE_MS = 5_000;

const [, , url = ''] = process.argv;
try {
  const status = await statusOf(new URL(url));
  if (!status.startsWith('2')) throw new Error(`${url} says ${status}`);
} catch (error) {
  process.stderr.write(`${coerceError(error).message}\n`);
  process.exitCode = 1;
}

/** The first line is enough. The rest Node would refuse where PMS repeats Content-Length, and PMS would be killed for it. */
async function statusOf({ protocol, host, hostname, port, pathname, search }: URL): Promise<string> {
  if (protocol !== 'http:') throw new Error(`${protocol}// is not asked for here: the parts speak http`);
  const socket = connect(Number(port || 80), hostname.replace(/^\[(.*)\]$/, '$1'));
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  let answer = '';
  for await (const chunk of socket) {
    answer += String(chunk);
    const [, status] = /^HTTP\/1\.\d (\d{3})/.exec(answer) ?? [];
    if (status !== undefined) return status;
  }
  throw new Error('the connection was closed without an answer');
}
