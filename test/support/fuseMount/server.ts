/**
 * node server.ts DESCRIPTOR FILM NAME OFFSET FAULT HEALS DELAY: a FUSE file system with one file, read only, until it is
 * killed. Stopped with SIGSTOP it is a file server that hangs. It caches nothing, so that every read asks it. Whoever reads
 * on from OFFSET gets the error number FAULT, or no answer where that is 0, from then on with every read. Once it has failed
 * for HEALS of them, one after the other, who opens the file after that reads all of it; with 0 never. Each read takes DELAY
 * milliseconds. Without a NAME it reads whatever it is asked, and answers nothing.
 */
import { fstatSync, openSync, readSync, writeSync } from 'node:fs';

const [, , descriptor = '', film = '', name = '', limit = '', fault = '', heals = '', delay = '0'] =
  process.argv;

const ROOT = 1n;
const FILE = 2n;
const HEADER_BYTES = 40;
const REPLY_HEADER_BYTES = 16;

const ENOENT = 2;
const ENOSYS = 38;

const OPCODE = {
  ...{ lookup: 1, forget: 2, getattr: 3, open: 14, read: 15, statfs: 17, release: 18, flush: 25, init: 26 },
  ...{ opendir: 27, readdir: 28, releasedir: 29, access: 34, interrupt: 36, batchForget: 42 },
};
const WITHOUT_REPLY: readonly number[] = [OPCODE.forget, OPCODE.interrupt, OPCODE.batchForget];

const source = openSync(film, 'r');
const { size } = fstatSync(source);
const device = Number(descriptor);

let opened = 0n;
/** Handles up to this one were open at the last first error. */
let failing = 0n;
let failed = 0;

const clock = new Int32Array(new SharedArrayBuffer(4));
const request = Buffer.alloc(1 << 17);
for (let length = next(); length !== null; length = next()) {
  const opcode = request.readUInt32LE(4);
  if (WITHOUT_REPLY.includes(opcode)) continue;
  const answer = reply(opcode, request.readBigUInt64LE(16), request.subarray(HEADER_BYTES, length));
  if (answer === null) continue;
  const body = typeof answer === 'number' ? Buffer.alloc(0) : answer;
  const header = Buffer.alloc(REPLY_HEADER_BYTES);
  header.writeUInt32LE(REPLY_HEADER_BYTES + body.length, 0);
  header.writeInt32LE(typeof answer === 'number' ? -answer : 0, 4);
  request.copy(header, 8, 8, 16);
  try {
    writeSync(device, Buffer.concat([header, body]));
  } catch {
    // Whoever asked was killed while we hung.
  }
}

/** Null after the end. */
function next(): number | null {
  try {
    return readSync(device, request);
  } catch {
    // It was unmounted.
    return null;
  }
}

/** The body, an error number, or null for none at all. */
function reply(opcode: number, node: bigint, body: Buffer): Buffer | number | null {
  if (name === '' && opcode !== OPCODE.init) return null;
  switch (opcode) {
    case OPCODE.init:
      return words(64, { at: 0, value: 7 }, { at: 4, value: 31 }, { at: 20, value: 1 << 16 });
    case OPCODE.lookup: {
      if (body.subarray(0, -1).toString() !== name) return ENOENT;
      const numbers = Buffer.alloc(40);
      numbers.writeBigUInt64LE(FILE);
      return Buffer.concat([numbers, attributes(FILE)]);
    }
    case OPCODE.getattr:
      return Buffer.concat([Buffer.alloc(16), attributes(node)]);
    case OPCODE.open:
      return open();
    case OPCODE.opendir:
      return Buffer.alloc(16);
    case OPCODE.read:
      return read(body.readBigUInt64LE(0), Number(body.readBigUInt64LE(8)), body.readUInt32LE(16));
    case OPCODE.readdir:
      return body.readBigUInt64LE(8) === 0n ? entry() : Buffer.alloc(0);
    case OPCODE.statfs:
      return Buffer.alloc(80);
    case OPCODE.release:
    case OPCODE.releasedir:
    case OPCODE.flush:
    case OPCODE.access:
      return Buffer.alloc(0);
    default:
      return ENOSYS;
  }
}

function open(): Buffer {
  const directIo = 1;
  opened += 1n;
  const handle = words(16, { at: 8, value: directIo });
  handle.writeBigUInt64LE(opened, 0);
  return handle;
}

function read(handle: bigint, offset: number, length: number): Buffer | number | null {
  const isHealthy = failed > 0 && failed === Number(heals) && handle > failing;
  if (!isHealthy && offset + length > Number(limit)) {
    if (handle > failing) {
      failed += 1;
      failing = opened;
    }
    return Number(fault) || null;
  }
  Atomics.wait(clock, 0, 0, Number(delay));
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(source, bytes, 0, length, offset));
}

function attributes(node: bigint): Buffer {
  const isRoot = node === ROOT;
  const mode = isRoot ? 0o40555 : 0o100444;
  const text = words(88, { at: 60, value: mode }, { at: 64, value: 1 }, { at: 80, value: 4096 });
  text.writeBigUInt64LE(node, 0);
  text.writeBigUInt64LE(isRoot ? 0n : BigInt(size), 8);
  return text;
}

function entry(): Buffer {
  const padded = Buffer.alloc(24 + Math.ceil(Buffer.byteLength(name) / 8) * 8);
  padded.writeBigUInt64LE(FILE, 0);
  padded.writeBigUInt64LE(1n, 8);
  padded.writeUInt32LE(Buffer.byteLength(name), 16);
  padded.writeUInt32LE(8, 20);
  padded.write(name, 24);
  return padded;
}

function words(bytes: number, ...values: readonly { at: number; value: number }[]): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (const { at, value } of values) buffer.writeUInt32LE(value, at);
  return buffer;
}
