import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import PQueue from 'p-queue';
import { type BackoffLimits, backoffMs } from '#shared/backoff.ts';
import { coerceError, systemErrorCode } from '#shared/errors.ts';
import { originalOf } from '../transcoder/original.ts';
import type { Architecture } from './architecture.ts';
import { CodecSet } from './codecSet.ts';
import { type DownloadLimits, download, FinalFailure } from './download.ts';
import { CODEC_NAMES, PLAYBACK_CODECS } from './names.ts';
import { NOTHING_KNOWN, type Report } from './report.ts';
import { codecVersionOf } from './versions.ts';

export interface FillingOptions {
  readonly worker: string;
  readonly transcoder: string;
  /** With `auto` a transcoder that is not Plex's needs none. */
  readonly codecs: 'auto' | 'on';
  readonly directory: string;
  /** Base addresses, tried in this order for each codec. */
  readonly sources: readonly string[];
  readonly architecture: Architecture;
  readonly limits: FillingLimits;
}

export interface FillingLimits extends DownloadLimits {
  readonly atOnce: number;
  readonly tries: number;
  readonly backoff: BackoffLimits;
}

export const LIMITS: FillingLimits = {
  atOnce: 8,
  tries: 5,
  stallMs: 15_000,
  fileMs: 120_000,
  backoff: { firstMs: 250, lastMs: 8_000 },
};

/**
 * Looks at the set that the transcoder wants, and fetches what it lacks. `report` hears of every step.
 *
 * @throws when it can't be known which set that is
 */
export async function fillSet(options: FillingOptions, report: (report: Report) => void): Promise<void> {
  const { transcoder, codecs, directory, architecture, worker } = options;
  const { version, isPlex } = await codecVersionOf(await originalOf(transcoder));
  if (codecs === 'auto' && !isPlex) {
    report({ ...NOTHING_KNOWN, needed: false, usable: true, finished: true });
    return;
  }
  if (version === null) {
    throw new Error(`no codec version stands in ${transcoder}; set CODECS=off if it has its codecs inside`);
  }
  const set = new CodecSet(directory, version, architecture, worker);
  await new Filling(options, set, version, report).run();
}

/** One pass over one set. */
class Filling {
  readonly #options: FillingOptions;
  readonly #set: CodecSet;
  readonly #version: string;
  readonly #report: (report: Report) => void;
  readonly #missing = new Set<string>();
  /** Those of them that no source has, as far as it was asked. */
  readonly #absent = new Set<string>();
  /** Why the last one that failed did. */
  #failure: string | null = null;
  #bytes = 0;
  #retries = 0;
  #usable = false;

  constructor(options: FillingOptions, set: CodecSet, version: string, report: (report: Report) => void) {
    this.#options = options;
    this.#set = set;
    this.#version = version;
    this.#report = report;
  }

  async run(): Promise<void> {
    for (const codec of await this.#set.missing()) this.#missing.add(codec);
    const named = await this.#set.recordedMissing();
    this.#usable = this.#lacksNoPlayback() && [...this.#missing].every((codec) => named.includes(codec));
    this.#say(false);
    try {
      if (this.#missing.size > 0) await this.#fetchMissing();
      await this.#set.tidy().catch(() => undefined);
    } catch (error) {
      const code = systemErrorCode(error) ?? coerceError(error).message;
      this.#failure = `CODECS_DIR ${this.#options.directory} can't be written as this user (${code})`;
    }
    this.#usable = this.#lacksNoPlayback();
    this.#say(true);
  }

  async #fetchMissing(): Promise<void> {
    await this.#set.prepare();
    await this.#getAll(this.#missing);
    // One of the servers behind an address may lack what the others have: as long as that helps, all are asked again.
    for (let before = Infinity; this.#absent.size > 0 && this.#absent.size < before; ) {
      before = this.#absent.size;
      await this.#getAll(this.#absent);
    }
    const [absent] = this.#absent;
    if (absent !== undefined) this.#failure ??= `${absent}: no source has it`;
    if (this.#missing.size > 0) await this.#set.recordMissing([...this.#missing]);
  }

  async #getAll(codecs: ReadonlySet<string>): Promise<void> {
    const queue = new PQueue({ concurrency: this.#options.limits.atOnce });
    for (const codec of inGoodOrder([...codecs])) {
      void queue.add(() => this.#get(codec));
    }
    await queue.onIdle();
  }

  async #get(codec: string): Promise<void> {
    try {
      // Another worker on the same volume may have been here.
      const there = (await this.#set.has(codec)) || (await this.#fetchFromAny(codec));
      if (there) this.#missing.delete(codec);
      if (there) this.#absent.delete(codec);
      else this.#absent.add(codec);
    } catch (error) {
      this.#failure = `${codec}: ${coerceError(error).message}`;
    }
    this.#say(false);
  }

  async #fetchFromAny(codec: string): Promise<boolean> {
    let failure: unknown = null;
    for (const source of this.#options.sources) {
      try {
        if (await this.#fetchPatiently(codec, this.#addressOf(codec, source))) return true;
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== null) throw failure;
    return false;
  }

  async #fetchPatiently(codec: string, address: string): Promise<boolean> {
    const { tries, backoff } = this.#options.limits;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#fetchOnce(codec, address);
      } catch (error) {
        if (error instanceof FinalFailure || attempt + 1 >= tries) throw error;
        this.#retries += 1;
        await sleep(backoffMs(attempt, Math.random(), backoff));
      }
    }
  }

  async #fetchOnce(codec: string, address: string): Promise<boolean> {
    const unfinished = this.#set.unfinished(codec);
    try {
      const size = await download(address, unfinished, this.#options.limits);
      if (size === null) return false;
      await this.#set.accept(unfinished, codec);
      this.#bytes += size;
      return true;
    } finally {
      await rm(unfinished, { force: true });
    }
  }

  #addressOf(codec: string, source: string): string {
    const { build } = this.#options.architecture;
    const base = source.replace(/\/+$/, '');
    // Plex's own folder of codecs, such as PMS has, is laid out as ours is.
    if (base.startsWith('/')) {
      return pathToFileURL(join(base, `${this.#version}-${build}`, `${codec}.so`)).href;
    }
    return `${base}/${this.#version}/${build}/${codec}.so`;
  }

  #lacksNoPlayback(): boolean {
    return [...this.#missing].every((codec) => !PLAYBACK_CODECS.has(codec));
  }

  #say(finished: boolean): void {
    this.#report({
      needed: true,
      version: this.#version,
      directory: this.#set.directory,
      wanted: CODEC_NAMES.length,
      missing: [...this.#missing],
      usable: this.#usable,
      finished,
      bytes: this.#bytes,
      retries: this.#retries,
      problem: this.#failure,
    });
  }
}

/** What playback needs first, and the rest in any order: workers that share a volume then share the work. */
function inGoodOrder(codecs: readonly string[]): string[] {
  const place = new Map(codecs.map((codec) => [codec, PLAYBACK_CODECS.has(codec) ? -1 : Math.random()]));
  return codecs.toSorted((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
}
