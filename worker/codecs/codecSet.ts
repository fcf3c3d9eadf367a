import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, ownerMark, readOwnerMark, thisOwner } from '../transcoder/owner.ts';
import type { Architecture } from './architecture.ts';
import { whyNotLibrary } from './library.ts';
import { CODEC_NAMES } from './names.ts';

/** Unfinished files lie outside the sets: the transcoder loads everything that it finds in one. */
const UNFINISHED = '.unfinished';
/** Longer than any download takes: whoever wrote it, here or on another machine, does so no more. */
const ABANDONED_MS = 3_600_000;

/** How many sets stay, so that neither an update of Plex nor the way back waits for downloads. */
const KEPT_SETS = 3;
/** A set that a worker uses is touched whenever its worker looks at it, which is more often than that. */
const UNUSED_MS = 86_400_000;

/** One version's codecs for one architecture, on a volume that other workers may share. */
export class CodecSet {
  readonly directory: string;
  readonly #root: string;
  readonly #machine: number;
  readonly #worker: string;
  /** Names what an earlier look could not get, so that without a network a worker is as ready as it was. */
  readonly #record: string;
  #files = 0;

  constructor(root: string, version: string, { build, machine }: Architecture, worker: string) {
    const name = `${version}-${build}`;
    this.directory = join(root, name);
    this.#record = join(root, `${name}.missing`);
    this.#root = root;
    this.#machine = machine;
    this.#worker = worker;
  }

  fileOf(codec: string): string {
    return join(this.directory, `${codec}.so`);
  }

  async has(codec: string): Promise<boolean> {
    return (await whyNotLibrary(this.fileOf(codec), this.#machine)) === null;
  }

  async missing(): Promise<string[]> {
    const there = await Promise.all(CODEC_NAMES.map((codec) => this.has(codec)));
    return CODEC_NAMES.filter((_codec, index) => !there[index]);
  }

  async recordedMissing(): Promise<string[]> {
    const text = await readFile(this.#record, 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  }

  async recordMissing(codecs: readonly string[]): Promise<void> {
    const unfinished = this.unfinished('missing');
    await writeFile(unfinished, `${codecs.join('\n')}\n`, { flag: 'wx' });
    await rename(unfinished, this.#record);
  }

  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    await mkdir(join(this.#root, UNFINISHED), { recursive: true });
  }

  /** A name for a new file, unlike any other's, which says who writes it. */
  unfinished(name: string): string {
    this.#files += 1;
    const mark = encodeURIComponent(ownerMark(thisOwner(this.#worker)));
    return join(this.#root, UNFINISHED, `${name}.${this.#files}@${mark}`);
  }

  /** Puts a finished file in its place. @throws when it is not what it should be */
  async accept(unfinished: string, codec: string): Promise<void> {
    const problem = await whyNotLibrary(unfinished, this.#machine);
    if (problem !== null) throw new Error(`what arrived is unusable: ${problem}`);
    await rename(unfinished, this.fileOf(codec));
  }

  /** Removes what processes that have ended left behind, and sets that nobody has used for a while. */
  async tidy(): Promise<void> {
    const unfinished = join(this.#root, UNFINISHED);
    for (const name of await readdir(unfinished).catch(() => [])) {
      const owner = readOwnerMark(decodeURIComponent(name.slice(name.lastIndexOf('@') + 1)));
      const isOurs = owner?.worker === this.#worker;
      const abandoned = isOurs ? !isAlive(owner) : (await ageOf(join(unfinished, name))) > ABANDONED_MS;
      if (abandoned) await rm(join(unfinished, name), { force: true, recursive: true });
    }
    const now = new Date();
    await utimes(this.directory, now, now).catch(() => undefined);
    const sets = (await readdir(this.#root)).filter((name) => /-linux-\w+-\w+$/.test(name));
    const aged = await Promise.all(
      sets.map(async (name) => ({ path: join(this.#root, name), age: await ageOf(join(this.#root, name)) })),
    );
    const surplus = aged.toSorted((a, b) => a.age - b.age).slice(KEPT_SETS);
    for (const { path, age } of surplus) {
      if (age <= UNUSED_MS || path === this.directory) continue;
      await rm(path, { recursive: true, force: true });
      await rm(`${path}.missing`, { force: true });
    }
  }
}

async function ageOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  return found === null ? 0 : Date.now() - found.mtimeMs;
}
