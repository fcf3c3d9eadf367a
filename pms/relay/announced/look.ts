import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** What one look at a file shows. */
export interface Look {
  readonly size: number;
  readonly mtimeMs: number;
  /** Whether all of it is there; null where its format does not say. */
  readonly isWhole: boolean | null;
}

/** Length and type of a box; its length may be written in eight bytes more. */
const HEAD = 16;

/** The heads of a segment's first boxes lie close together: one read has them all. */
const WINDOW = 4_096;

/** Boxes of MP4 that another one follows. */
const OPENING = ['ftyp', 'styp', 'sidx', 'prft', 'emsg', 'moof'];
const OTHERS = ['moov', 'mdat'];

/** Null when it can't be opened. Opened, and not only asked for: NFS answers that from what it knew seconds ago. */
export async function lookAt(path: Buffer): Promise<Look | null> {
  // Whatever it is: nobody would write to a pipe.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null);
  if (!file) return null;
  try {
    const { size, mtimeMs } = await file.stat();
    const bytes = Buffer.alloc(WINDOW);
    /** What `bytes` has of the file. */
    let [from, to] = [0, 0];
    let type: string | null = null;
    let offset = 0;
    while (offset < size) {
      if (offset + HEAD > to && to < size) {
        const { bytesRead } = await file.read(bytes, 0, WINDOW, offset);
        [from, to] = [offset, offset + bytesRead];
      }
      const head = bytes.subarray(offset - from, to - from);
      const found = head.toString('latin1', 4, 8);
      if (type === null && ![...OPENING, ...OTHERS].includes(found)) return { size, mtimeMs, isWhole: null };
      if (head.length < 8) return { size, mtimeMs, isWhole: false };
      const length = head.readUInt32BE(0);
      if (length === 1 && head.length < HEAD) return { size, mtimeMs, isWhole: false };
      const long = length === 1 ? Number(head.readBigUInt64BE(8)) : length;
      // A length of 0 means up to the end, wherever that is.
      if (long < 8) return { size, mtimeMs, isWhole: length === 0 ? null : false };
      type = found;
      offset += long;
    }
    return { size, mtimeMs, isWhole: type !== null && offset === size && !OPENING.includes(type) };
  } catch {
    return null;
  } finally {
    await file.close().catch(() => undefined);
  }
}
