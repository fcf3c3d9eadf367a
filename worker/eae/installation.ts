import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unzipSync } from 'fflate';
import { type Static, Type } from 'typebox';
import { type BackoffLimits, backoffMs } from '#shared/backoff.ts';
import { coerceError } from '#shared/errors.ts';
import { type DownloadLimits, download, FinalFailure } from '../codecs/download.ts';
import { pmsVersionIn } from '../codecs/versions.ts';
import { lastsLonger, readLicence } from './licence.ts';
import { type Offer, readOffer } from './offer.ts';

const PROGRAM = 'EasyAudioEncoder';
/** EasyAudioEncoder looks for it beside itself. */
const LICENCE = 'eae-license.txt';
/** A worker looks after its own once a day; what nobody looked after for longer belongs to a worker that is no more. */
const FORGOTTEN_MS = 30 * 86_400_000;

export interface InstallationOptions {
  readonly worker: string;
  /** CODECS_DIR. */
  readonly directory: string;
  readonly url: string;
  readonly build: string;
  readonly version: number;
  /** Where the PMS lies whose version is told. */
  readonly transcoderDirectory: string;
  /** Whether to ask for a licence even if there is a valid one. */
  readonly renew: boolean;
  readonly limits: InstallationLimits;
}

export interface InstallationLimits extends DownloadLimits {
  readonly tries: number;
  readonly backoff: BackoffLimits;
}

export const LIMITS: InstallationLimits = {
  tries: 4,
  stallMs: 15_000,
  fileMs: 300_000,
  backoff: { firstMs: 500, lastMs: 10_000 },
};

export const Installed = Type.Object({
  executable: Type.Union([Type.String(), Type.Null()]),
  licence: Type.Union([Type.String(), Type.Null()]),
  /** What could not be done. */
  problem: Type.Union([Type.String(), Type.Null()]),
});
export type Installed = Static<typeof Installed>;

/** Sees to it that this worker has EasyAudioEncoder and a licence of its own for it. */
export async function install(options: InstallationOptions): Promise<Installed> {
  const { directory, worker, version, build, renew } = options;
  const home = join(directory, `eae-${encodeURIComponent(worker).slice(0, 200)}`);
  const place = join(home, `${version}-${build}`);
  let problem: string | null = null;
  try {
    const { executable, licence } = await found(place);
    const valid = licence !== null && (licence.endsAt ?? Number.POSITIVE_INFINITY) > Date.now();
    if (executable === null || !valid || renew) {
      await mkdir(home, { recursive: true });
      const offer = await ask(options, home);
      if (executable === null) await unpack(options, offer, home, place);
      await keepLicence(offer, place);
    }
    await tidy(directory, home);
  } catch (error) {
    problem = coerceError(error).message;
  }
  const { executable, licence } = await found(place);
  return { executable, licence: licence?.text ?? null, problem };
}

async function found(place: string) {
  const names = await readdir(place, { recursive: true, withFileTypes: true }).catch(() => []);
  const file = names.find((entry) => entry.isFile() && entry.name === PROGRAM);
  if (file === undefined) return { executable: null, licence: null };
  const text = await readFile(join(file.parentPath, LICENCE), 'utf8').catch(() => '');
  return { executable: join(file.parentPath, PROGRAM), licence: readLicence(text) };
}

async function ask(options: InstallationOptions, home: string): Promise<Offer> {
  const { url, build, version, transcoderDirectory } = options;
  const query = new URLSearchParams({
    build,
    deviceId: await deviceIdIn(home),
    oldestPreviousVersion: (await pmsVersionIn(transcoderDirectory)) ?? '',
    version: String(version),
  });
  return readOffer((await fetched(`${url}?${query}`, home, options.limits)).toString('utf8'));
}

/** The worker's own, and always the same: a licence belongs to a device. */
async function deviceIdIn(home: string): Promise<string> {
  const file = join(home, 'device-id');
  const known = await readFile(file, 'utf8').catch(() => '');
  if (known !== '') return known;
  const id = randomUUID();
  await writeFile(file, id);
  return id;
}

async function unpack(
  options: InstallationOptions,
  offer: Offer,
  home: string,
  place: string,
): Promise<void> {
  const archive = await fetched(offer.address, home, options.limits);
  const sha1 = createHash('sha1').update(archive).digest('hex');
  if (offer.sha1 !== null && offer.sha1 !== sha1) {
    throw new Error(`the archive of EasyAudioEncoder is not what it should be: its SHA-1 is ${sha1}`);
  }
  const unfinished = join(home, `unfinished-${randomUUID()}`);
  try {
    for (const [name, content] of Object.entries(unzipSync(archive))) {
      const path = normalize(name);
      if (path.startsWith('..') || path.startsWith('/')) throw new Error(`the archive holds a path ${name}`);
      if (path.endsWith('/')) continue;
      await mkdir(join(unfinished, dirname(path)), { recursive: true });
      await writeFile(join(unfinished, path), content, { mode: 0o755, flush: true });
    }
    if ((await found(unfinished)).executable === null) throw new Error(`the archive holds no ${PROGRAM}`);
    await rm(place, { recursive: true, force: true });
    await rename(unfinished, place);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function keepLicence({ licence: offered }: Offer, place: string): Promise<void> {
  const { executable, licence } = await found(place);
  if (executable === null) return;
  if (offered === null) throw new Error('the answer holds no licence for EasyAudioEncoder');
  if (licence !== null && !lastsLonger(offered, licence)) return;
  const file = join(dirname(executable), LICENCE);
  await writeFile(`${file}.new`, `${offered.text}\n`, { flush: true });
  await rename(`${file}.new`, file);
}

async function fetched(address: string, home: string, limits: InstallationLimits): Promise<Buffer> {
  const file = join(home, `unfinished-${randomUUID()}`);
  for (let attempt = 0; ; attempt += 1) {
    try {
      if ((await download(address, file, limits)) === null) throw new FinalFailure('the server answered 404');
      return await readFile(file);
    } catch (error) {
      if (error instanceof FinalFailure || attempt + 1 >= limits.tries) {
        const { origin, pathname } = new URL(address);
        throw new Error(`${origin}${pathname}: ${coerceError(error).message}`);
      }
      await sleep(backoffMs(attempt, Math.random(), limits.backoff));
    } finally {
      await rm(file, { force: true });
    }
  }
}

/** Says that this worker is there, and removes what is left of itself and of workers that are no more. */
async function tidy(directory: string, home: string): Promise<void> {
  const now = new Date();
  await utimes(home, now, now).catch(() => undefined);
  for (const name of await readdir(home)) {
    if (name.startsWith('unfinished-')) await rm(join(home, name), { recursive: true, force: true });
  }
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (!name.startsWith('eae-') || path === home) continue;
    const age = Date.now() - (await stat(path)).mtimeMs;
    if (age > FORGOTTEN_MS) await rm(path, { recursive: true, force: true });
  }
}
