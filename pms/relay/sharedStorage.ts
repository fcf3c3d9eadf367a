import { randomUUID } from 'node:crypto';
import type { Clock } from '#shared/clock.ts';
import type { Logger } from '#shared/logger.ts';
import type { SharedMount } from '#shared/protocol/storage.ts';
import { type DeclaredMount, isUnder } from '#shared/storage/mounts.ts';
import { SharedDirectory } from './sharedDirectory.ts';

export interface SharedStorageOptions {
  readonly mounts: readonly DeclaredMount[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly changed: (mounts: SharedMount[]) => void;
}

/** What PMS shares with the workers, of what it could share. */
export class SharedStorage {
  readonly #options: SharedStorageOptions;
  readonly #directories: readonly SharedDirectory[];
  #said = '';
  #warned = false;

  constructor(options: SharedStorageOptions) {
    this.#options = options;
    const { mounts, clock, logger } = options;
    const series = `pms-${randomUUID()}`;
    this.#directories = mounts.map((mount) => {
      return new SharedDirectory({ mount, series, clock, logger, changed: () => this.#tell() });
    });
  }

  start(): void {
    for (const directory of this.#directories) void directory.look();
  }

  stop(): void {
    for (const directory of this.#directories) directory.stop();
  }

  /** Null before all were looked at. */
  get mounts(): SharedMount[] | null {
    const known = this.#directories.map(({ shared }) => shared);
    return known.includes(undefined) ? null : known.filter((mount) => mount !== undefined && mount !== null);
  }

  /** Whoever runs Plex with its own transcoder directory finds out here, and not by jobs that all workers refuse. */
  jobIn(cwd: string): void {
    const { mounts } = this;
    if (this.#warned || mounts === null || mounts.some(({ path }) => isUnder(path, cwd))) return;
    this.#warned = true;
    const advice =
      "set Plex's transcoder temporary directory (Settings, Transcoder) to a directory that it shares with the workers, " +
      'and MOUNTS to the directories that are shared';
    this.#options.logger.warn(
      { directory: cwd, shared: mounts.map(({ path }) => path), advice },
      'a job is to write where PMS shares nothing with the workers',
    );
  }

  #tell(): void {
    const { mounts } = this;
    const now = JSON.stringify(mounts);
    if (mounts === null || now === this.#said) return;
    this.#said = now;
    this.#options.changed(mounts);
  }
}
