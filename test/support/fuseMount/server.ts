import { fstatSync, openSync, readSync, writeSync } from 'node:fs';

// A file system with one file, a copy of FILE that can be read up to OFFSET: node server.ts DESCRIPTOR FILE NAME OFFSET.
// Whoever reads on gets EIO, from then on with every read; who opens the file after that first error reads all of it.

const [, , descriptor = '', source = '', name = '', limit = ''] = process.argv;
const device = Number(descriptor);
const file = openSync(source, 'r');
const { size } = fstatSync(file);

const OPCODES = { lookup: 1, forget: 2, getattr: 3, open: 14, read: 15, release: 18, flush: 25, init: 26 };
const BATCH_FORGET = 42;
const ENOENT = 2;
const EIO = 5;
const ENOSYS = 38;
const ROOT = 1n;
const FILE = 2n;
/** Every read of a process arrives here as it is, without the kernel's reading ahead. */
const DIRECT_IO = 1;
const IN_HEADER = 40;
const OUT_HEADER = 16;

let opened = 0n;
/** Handles up to this one were open at the first error. */
let failing: bigint | null = null;

const request = Buffer.alloc(1024 * 1024);
for (;;) {
  const length = readSync(device, request);
  const opcode = request.readUInt32LE(4);
  if (opcode === OPCODES.forget || opcode === BATCH_FORGET) continue;
  const answer = answerTo(opcode, request.readBigUInt64LE(16), request.subarray(IN_HEADER, length));
  const body = typeof answer === 'number' ? Buffer.alloc(0) : answer;
  const header = Buffer.alloc(OUT_HEADER);
  header.writeUInt32LE(OUT_HEADER + body.length, 0);
  header.writeInt32LE(typeof answer === 'number' ? -answer : 0, 4);
  request.copy(header, 8, 8, 16);
  writeSync(device, Buffer.concat([header, body]));
}

/** The reply's body, or an error's number. */
function answerTo(opcode: number, node: bigint, body: Buffer): Buffer | number {
  switch (opcode) {
    case OPCODES.init:
      return init();
    case OPCODES.lookup:
      return body.toString('utf8', 0, body.indexOf(0)) === name ? entry() : ENOENT;
    case OPCODES.getattr:
      return Buffer.concat([Buffer.alloc(16), attributes(node)]);
    case OPCODES.open:
      return open();
    case OPCODES.read:
      return read(body.readBigUInt64LE(0), Number(body.readBigUInt64LE(8)), body.readUInt32LE(16));
    case OPCODES.release:
    case OPCODES.flush:
      return Buffer.alloc(0);
    default:
      return ENOSYS;
  }
}

function init(): Buffer {
  const reply = Buffer.alloc(64);
  reply.writeUInt32LE(7, 0);
  reply.writeUInt32LE(31, 4);
  reply.writeUInt32LE(4096, 20);
  return reply;
}

function entry(): Buffer {
  const reply = Buffer.alloc(40);
  reply.writeBigUInt64LE(FILE, 0);
  return Buffer.concat([reply, attributes(FILE)]);
}

function attributes(node: bigint): Buffer {
  const reply = Buffer.alloc(88);
  reply.writeBigUInt64LE(node, 0);
  reply.writeBigUInt64LE(BigInt(size), 8);
  reply.writeUInt32LE(node === ROOT ? 0o40755 : 0o100644, 60);
  reply.writeUInt32LE(1, 64);
  return reply;
}

function open(): Buffer {
  opened += 1n;
  const reply = Buffer.alloc(16);
  reply.writeBigUInt64LE(opened, 0);
  reply.writeUInt32LE(DIRECT_IO, 8);
  return reply;
}

function read(handle: bigint, offset: number, length: number): Buffer | number {
  const isHealthy = failing !== null && handle > failing;
  if (!isHealthy && offset + length > Number(limit)) {
    failing ??= opened;
    return EIO;
  }
  const data = Buffer.alloc(length);
  return data.subarray(0, readSync(file, data, 0, length, offset));
}
