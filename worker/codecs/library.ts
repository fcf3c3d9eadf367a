import { type FileHandle, open } from 'node:fs/promises';
import { systemErrorCode } from '#shared/errors.ts';

const ELF_MAGIC = 0x7f454c46;
const SHARED_OBJECT = 3;
/** More than any library has; a header that says more is not one. */
const MAX_TABLE = 65_536;

/**
 * Why the file is no shared library for this machine, or null. One that is cut short is found out by where its own
 * headers say that its parts end: the table of sections stands last.
 */
export async function whyNotLibrary(path: string, machine: number): Promise<string | null> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (error) {
    return `it can't be opened (${systemErrorCode(error)})`;
  }
  try {
    const header = await bytesAt(file, 0, 64);
    if (header.length < 64 || header.readUInt32BE(0) !== ELF_MAGIC) return 'it is no ELF file';
    const wide = header[4] === 2;
    if (header[5] !== 1 || header.readUInt16LE(16) !== SHARED_OBJECT) return 'it is no shared library';
    if (header.readUInt16LE(18) !== machine) return `it is for another machine (${header.readUInt16LE(18)})`;
    const { size } = await file.stat();
    return (await lengthOf(file, header, wide)) > size ? `it is cut short, at ${size} bytes` : null;
  } finally {
    await file.close();
  }
}

/** Where the last of its parts ends. */
async function lengthOf(file: FileHandle, header: Buffer, wide: boolean): Promise<number> {
  const at = wide
    ? { segments: 32, sections: 40, sizes: 54, offset: 8, length: 32 }
    : { segments: 28, sections: 32, sizes: 42, offset: 4, length: 16 };
  const [segmentSize = 0, segmentCount = 0, sectionSize = 0, sectionCount = 0] = [0, 2, 4, 6].map((step) =>
    header.readUInt16LE(at.sizes + step),
  );
  const segmentsAt = word(header, at.segments, wide);
  const table = await bytesAt(file, segmentsAt, Math.min(segmentSize * segmentCount, MAX_TABLE));
  const ends = [
    segmentsAt + segmentSize * segmentCount,
    word(header, at.sections, wide) + sectionSize * sectionCount,
  ];
  for (let start = 0; segmentSize > 0 && start + segmentSize <= table.length; start += segmentSize) {
    ends.push(word(table, start + at.offset, wide) + word(table, start + at.length, wide));
  }
  return Math.max(...ends);
}

function word(bytes: Buffer, offset: number, wide: boolean): number {
  return wide ? Number(bytes.readBigUInt64LE(offset)) : bytes.readUInt32LE(offset);
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
