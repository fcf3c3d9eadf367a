import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteString } from '#shared/bytes.ts';

/** A hidden directory in cwd, so that a rename from it is atomic; made when first needed, for not every job may write. */
export class WorkDirectory {
  #path: string | null = null;
  #links = 0;

  get path(): string {
    this.#path ??= mkdtempSync('.transcoding-');
    return this.#path;
  }

  /** Another name for a file, made of plain letters. */
  link(target: ByteString): string {
    const bytes = typeof target === 'string' ? Buffer.from(target) : Buffer.from(target.base64, 'base64');
    const name = join(this.path, `link${this.#links++}`);
    const isAbsolute = bytes.subarray(0, 1).toString() === '/';
    symlinkSync(isAbsolute ? bytes : Buffer.concat([Buffer.from('../'), bytes]), name);
    return name;
  }

  remove(): void {
    if (this.#path !== null) rmSync(this.#path, { recursive: true, force: true });
  }
}
