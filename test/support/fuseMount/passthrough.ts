/**
 * node passthrough.ts DESCRIPTOR DIRECTORY SECONDS: a FUSE file system that shows a directory of this machine, to be
 * read and written, and lets the kernel remember for so many seconds what is there and what is not: as an NFS client
 * does with its attribute cache.
 */
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { systemErrorCode } from '#shared/errors.ts';

const [, , descriptor = '', directory = '', seconds = ''] = process.argv;

const HEADER_BYTES = 40;
const REPLY_HEADER_BYTES = 16;
const EIO = 5;
const ENOSYS = 38;
const OPCODE = {
  ...{ lookup: 1, forget: 2, getattr: 3, setattr: 4, mkdir: 9, unlink: 10, rmdir: 11, rename: 12 },
  ...{
    open: 14,
    read: 15,
    write: 16,
    statfs: 17,
    release: 18,
    flush: 25,
    init: 26,
    opendir: 27,
    readdir: 28,
  },
  ...{ releasedir: 29, access: 34, create: 35, interrupt: 36, batchForget: 42 },
};
const WITHOUT_REPLY: readonly number[] = [OPCODE.forget, OPCODE.interrupt, OPCODE.batchForget];
const ERRNO = new Map(Object.entries(constants.errno));

const device = Number(descriptor);
/** By node: never forgotten, and by path, so that one that is renamed keeps its old name: nobody here minds. */
const paths = new Map<bigint, string>([[1n, directory]]);
const nodes = new Map<string, bigint>([[directory, 1n]]);

const request = Buffer.alloc(1 << 17);
for (let length = next(); length !== null; length = next()) {
  const opcode = request.readUInt32LE(4);
  if (WITHOUT_REPLY.includes(opcode)) continue;
  const answer = tried(opcode, request.readBigUInt64LE(16), request.subarray(HEADER_BYTES, length));
  const body = typeof answer === 'number' ? Buffer.alloc(0) : answer;
  const header = Buffer.alloc(REPLY_HEADER_BYTES);
  header.writeUInt32LE(REPLY_HEADER_BYTES + body.length, 0);
  header.writeInt32LE(typeof answer === 'number' ? -answer : 0, 4);
  request.copy(header, 8, 8, 16);
  try {
    writeSync(device, Buffer.concat([header, body]));
  } catch {
    // Whoever asked is gone.
  }
}

/** Null after the end. */
function next(): number | null {
  try {
    return readSync(device, request);
  } catch {
    return null;
  }
}

function tried(opcode: number, node: bigint, body: Buffer): Buffer | number {
  try {
    return reply(opcode, paths.get(node) ?? directory, body);
  } catch (error) {
    return ERRNO.get(systemErrorCode(error) ?? '') ?? EIO;
  }
}

/** The body, or an error number. */
function reply(opcode: number, path: string, body: Buffer): Buffer | number {
  switch (opcode) {
    case OPCODE.init:
      return words(64, { at: 0, value: 7 }, { at: 4, value: 31 }, { at: 20, value: 1 << 16 });
    case OPCODE.lookup:
      return lookup(join(path, text(body)));
    case OPCODE.getattr:
    case OPCODE.setattr:
      return Buffer.concat([words(16, { at: 0, value: Number(seconds) }), attributes(path)]);
    case OPCODE.mkdir:
      mkdirSync(join(path, text(body.subarray(8))));
      return lookup(join(path, text(body.subarray(8))));
    case OPCODE.unlink:
      unlinkSync(join(path, text(body)));
      return Buffer.alloc(0);
    case OPCODE.rmdir:
      rmdirSync(join(path, text(body)));
      return Buffer.alloc(0);
    case OPCODE.rename: {
      const from = text(body.subarray(8));
      const to = text(body.subarray(8 + Buffer.byteLength(from) + 1));
      renameSync(join(path, from), join(paths.get(body.readBigUInt64LE(0)) ?? directory, to));
      return Buffer.alloc(0);
    }
    case OPCODE.create: {
      const file = join(path, text(body.subarray(16)));
      const handle = openSync(file, 'w+');
      return Buffer.concat([lookup(file), opened(handle)]);
    }
    case OPCODE.open:
      return opened(openSync(path, (body.readUInt32LE(0) & 3) === 0 ? 'r' : 'r+'));
    case OPCODE.opendir:
      return Buffer.alloc(16);
    case OPCODE.read: {
      const bytes = Buffer.alloc(body.readUInt32LE(16));
      const from = Number(body.readBigUInt64LE(8));
      return bytes.subarray(0, readSync(Number(body.readBigUInt64LE(0)), bytes, 0, bytes.length, from));
    }
    case OPCODE.write: {
      const bytes = body.subarray(40, 40 + body.readUInt32LE(16));
      const to = Number(body.readBigUInt64LE(8));
      return words(8, {
        at: 0,
        value: writeSync(Number(body.readBigUInt64LE(0)), bytes, 0, bytes.length, to),
      });
    }
    case OPCODE.release:
      closeSync(Number(body.readBigUInt64LE(0)));
      return Buffer.alloc(0);
    case OPCODE.readdir:
      return body.readBigUInt64LE(8) === 0n ? entries(path) : Buffer.alloc(0);
    case OPCODE.statfs:
      return Buffer.alloc(80);
    case OPCODE.releasedir:
    case OPCODE.flush:
    case OPCODE.access:
      return Buffer.alloc(0);
    default:
      return ENOSYS;
  }
}

/** What is not there is remembered as well. */
function lookup(path: string): Buffer {
  const entry = words(40, { at: 16, value: Number(seconds) }, { at: 24, value: Number(seconds) });
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return Buffer.concat([entry, Buffer.alloc(88)]);
  entry.writeBigUInt64LE(nodeOf(path));
  return Buffer.concat([entry, attributes(path)]);
}

function nodeOf(path: string): bigint {
  const node = nodes.get(path) ?? BigInt(nodes.size + 1);
  nodes.set(path, node);
  paths.set(node, path);
  return node;
}

function attributes(path: string): Buffer {
  const stats: Stats = lstatSync(path);
  const times = [stats.atimeMs, stats.mtimeMs, stats.ctimeMs];
  const body = words(
    88,
    { at: 60, value: stats.mode },
    { at: 64, value: stats.nlink },
    { at: 68, value: stats.uid },
    { at: 72, value: stats.gid },
    { at: 80, value: 4096 },
  );
  body.writeBigUInt64LE(nodeOf(path), 0);
  body.writeBigUInt64LE(BigInt(stats.size), 8);
  times.forEach((ms, index) => {
    body.writeBigUInt64LE(BigInt(Math.floor(ms / 1_000)), 24 + index * 8);
  });
  return body;
}

function opened(handle: number): Buffer {
  const directIo = 1;
  return words(16, { at: 0, value: handle }, { at: 8, value: directIo });
}

function entries(path: string): Buffer {
  return Buffer.concat(
    readdirSync(path).map((name, index) => {
      const bytes = Buffer.byteLength(name);
      const padded = Buffer.alloc(24 + Math.ceil(bytes / 8) * 8);
      padded.writeBigUInt64LE(nodeOf(join(path, name)), 0);
      padded.writeBigUInt64LE(BigInt(index + 1), 8);
      padded.writeUInt32LE(bytes, 16);
      padded.write(name, 24);
      return padded;
    }),
  );
}

/** Up to its zero. */
function text(body: Buffer): string {
  return body.subarray(0, body.indexOf(0)).toString();
}

function words(bytes: number, ...values: readonly { at: number; value: number }[]): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (const { at, value } of values) buffer.writeUInt32LE(value, at);
  return buffer;
}
