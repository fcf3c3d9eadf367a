import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type PmsHost, test } from '../support/pmsHost.ts';

const HOOK = fileURLToPath(new URL('../../pms/hook.ts', import.meta.url));

/** A hook whose stdout is a pipe that says EAGAIN when it is full, and that pipe's other end. */
function hookWithPipe(pms: PmsHost) {
  const fifo = join(pms.directory, 'stdout');
  execFileSync('mkfifo', [fifo]);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  // By way of descriptor 3: libuv makes the first three blocking again.
  const child = spawn('/bin/sh', ['-c', 'exec "$@" >&3 3>&-', 'sh', process.execPath, HOOK, '-i', 'a'], {
    env: { RELAY_SOCKET: pms.socket },
    stdio: ['ignore', 'ignore', 'ignore', writer],
  });
  const exited = once(child, 'exit');
  closeSync(writer);
  return { child, exited, reader };
}

test('a reader that is slow gets everything, and the hook stays awake meanwhile', async ({ pms }) => {
  const relay = await pms.relay();
  const { child, exited, reader } = hookWithPipe(pms);
  const { connection } = await relay.job();
  const first = Buffer.alloc(1024 * 1024, 'first block ');
  const second = Buffer.alloc(1024 * 1024, 'second ');
  connection.output('stdout', first, 0);
  connection.output('stdout', second, first.length);
  connection.send({ type: 'exit', code: 11 });
  child.kill('SIGTERM');
  expect(await connection.line()).toEqual({ type: 'signal', signal: 'SIGTERM' });
  // Only now does somebody read.
  const chunks: Buffer[] = [];
  const pipe = new Socket({ fd: reader, readable: true, writable: false });
  pipe.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = once(pipe, 'end');
  expect(await exited).toEqual([11, null]);
  await ended;
  expect(Buffer.concat(chunks).equals(Buffer.concat([first, second]))).toBe(true);
});

test('output goes on when nobody reads it any more', async ({ pms }) => {
  const relay = await pms.relay();
  const { exited, reader } = hookWithPipe(pms);
  const { connection } = await relay.job();
  closeSync(reader);
  const block = Buffer.alloc(256 * 1024, 'x');
  connection.output('stdout', block, 0);
  await connection.received(block.length);
  connection.output('stdout', block, block.length);
  await connection.received(2 * block.length);
  connection.send({ type: 'exit', code: 12 });
  expect(await exited).toEqual([12, null]);
});

test('output goes on when the reader leaves in the middle', async ({ pms }) => {
  const relay = await pms.relay();
  const { child, exited, reader } = hookWithPipe(pms);
  const { connection } = await relay.job();
  const block = Buffer.alloc(1024 * 1024, 'x');
  connection.output('stdout', block, 0);
  const pipe = new Socket({ fd: reader, readable: true, writable: false });
  await once(pipe, 'readable');
  // When it answers, it is not writing, but waiting to write.
  child.kill('SIGTERM');
  expect(await connection.line()).toEqual({ type: 'signal', signal: 'SIGTERM' });
  pipe.destroy();
  await connection.received(block.length);
  connection.output('stdout', block, block.length);
  await connection.received(2 * block.length);
  connection.send({ type: 'exit', code: 13 });
  expect(await exited).toEqual([13, null]);
});
