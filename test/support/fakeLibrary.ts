import { createHash } from 'node:crypto';

export const X86_64 = 62;

/** A shared library as far as its headers go, with a content of its own, and its table of sections at the end. */
export function fakeLibrary(name: string, size = 3_000, machine = X86_64): Buffer {
  const file = Buffer.alloc(size, createHash('sha256').update(name).digest());
  const sections = { size: 64, count: 3 };
  file.fill(0, 0, 120);
  file.write('\x7fELF\x02\x01\x01', 0, 'latin1');
  file.writeUInt16LE(3, 16);
  file.writeUInt16LE(machine, 18);
  file.writeBigUInt64LE(64n, 32);
  file.writeBigUInt64LE(BigInt(size - sections.size * sections.count), 40);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt16LE(sections.size, 58);
  file.writeUInt16LE(sections.count, 60);
  file.writeBigUInt64LE(BigInt(size / 2), 64 + 32);
  return file;
}

/** What Plex's transcoder has in its file of which the codecs' version can be read. */
export function fakeTranscoderFile(version: string): Buffer {
  return Buffer.concat([
    fakeLibrary('transcoder'),
    Buffer.from(`\0%s version ${version}\0 Copyright\0loglevel_plex\0`, 'latin1'),
  ]);
}
