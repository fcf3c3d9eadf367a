import { type FileHandle, open } from 'node:fs/promises';

const CAUSES = new Map([
  [-5, 'Input/output error'],
  [-110, 'Connection timed out'],
  [-116, 'Stale file handle'],
]);

/** The oldest ffmpeg that we run on takes a read error for the end of its input, and the genuine transcoder does not. */
export class ReadError {
  readonly #file: FileHandle | null;

  private constructor(file: FileHandle | null) {
    this.#file = file;
  }

  static async watch(path: string): Promise<ReadError> {
    return new ReadError(await open(path).catch(() => null));
  }

  /** In ffmpeg's words; null when all of it can be read. */
  async cause(): Promise<string | null> {
    const buffer = Buffer.alloc(1 << 20);
    try {
      while (this.#file && (await this.#file.read(buffer)).bytesRead > 0);
      return null;
    } catch (error) {
      return CAUSES.get(Number(Object(error).errno)) ?? null;
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
