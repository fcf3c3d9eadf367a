import { mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { wrapperText } from '#shared/hookWrapper.ts';
import { CODEC_NAMES } from '../../worker/codecs/names.ts';
import { type CodecServer, type Fault, serveCodecs } from '../support/codecServer.ts';
import { CodecVolume, VERSION } from '../support/codecVolume.ts';
import { fakeLibrary } from '../support/fakeLibrary.ts';

let volume: CodecVolume;
let server: CodecServer;

beforeEach(() => {
  volume = new CodecVolume();
});
afterEach(async () => {
  await server.close();
  volume.remove();
});

/** Faults that another try gets past, spread over the names. */
const PASSING: readonly Fault[] = [
  'error',
  'reset',
  'truncated',
  'cut short',
  'slow',
  'silent',
  'page',
  'absent',
];

function passingFault(codec: string, time: number): Fault | null {
  const place = CODEC_NAMES.indexOf(codec);
  const fault = PASSING[place % 12] ?? null;
  const times = fault === 'absent' ? Math.floor(place / 12) % 3 : 2;
  return time < times ? fault : null;
}

describe('a clean volume', () => {
  test('is filled completely and truly through resets, truncated bodies, errors, silence and what is not there at first', async () => {
    server = await serveCodecs({ fault: passingFault });
    const last = (await volume.fill(server.url)).at(-1);
    expect(last).toMatchObject({ usable: true, finished: true, missing: [], wanted: 309, problem: null });
    expect(volume.codecs.toSorted()).toEqual(CODEC_NAMES);
    expect(volume.wrong).toEqual([]);
    expect(volume.unfinished).toEqual([]);
    expect(last?.retries).toBeGreaterThan(300);
    expect(server.mostAtOnce).toBeLessThanOrEqual(8 * 2);
  });

  test('is usable without what no source has, which is named and asked for once more', async () => {
    const absent = ['libxbin_decoder', 'libzlib_decoder'];
    server = await serveCodecs({ fault: (codec) => (absent.includes(codec) ? 'absent' : null) });
    const reports = await volume.fill(server.url);
    expect(reports.at(-1)).toMatchObject({ usable: true, missing: absent });
    expect(reports.slice(0, -1).some(({ usable }) => usable)).toBe(false);
    expect(absent.map((codec) => server.asked.get(codec))).toEqual([2, 2]);
  });

  test('is not usable without a codec that playback needs', async () => {
    server = await serveCodecs({ fault: (codec) => (codec === 'libh264_decoder' ? 'absent' : null) });
    const last = (await volume.fill(server.url)).at(-1);
    expect(last).toMatchObject({ usable: false, finished: true, missing: ['libh264_decoder'] });
    expect(last?.problem).toBe('libh264_decoder: no source has it');
  });

  test('says so when nobody can write there', async () => {
    server = await serveCodecs({});
    writeFileSync(volume.directory, 'a file in the way');
    const last = (await volume.fill(server.url)).at(-1);
    expect(last).toMatchObject({ usable: false, finished: true });
    expect(last?.problem).toMatch(/^CODECS_DIR .* can't be written as this user \(E/);
  });
});

describe('a volume with something on it', () => {
  beforeEach(() => {
    mkdirSync(volume.set, { recursive: true });
    for (const codec of CODEC_NAMES) writeFileSync(join(volume.set, `${codec}.so`), fakeLibrary(codec));
  });

  test('needs no network when all is there', async () => {
    server = await serveCodecs({});
    await server.close();
    const reports = await volume.fill(server.url);
    expect(reports[0]).toMatchObject({ usable: true, missing: [] });
    expect(reports.at(-1)).toMatchObject({ usable: true, finished: true, problem: null });
  });

  test('needs none either when only that is missing which was not to be had before', async () => {
    server = await serveCodecs({ fault: () => 'absent' });
    rmSync(join(volume.set, 'libxbin_decoder.so'));
    await volume.fill(server.url);
    await server.close();
    expect((await volume.fill(server.url))[0]).toMatchObject({ usable: true, missing: ['libxbin_decoder'] });
  });

  test('gets only what is missing, cut short or for another machine', async () => {
    const bad = ['libaac_decoder', 'libflv_decoder', 'libvp9_decoder'];
    rmSync(join(volume.set, 'libaac_decoder.so'));
    writeFileSync(join(volume.set, 'libflv_decoder.so'), fakeLibrary('libflv_decoder').subarray(0, 2_990));
    writeFileSync(join(volume.set, 'libvp9_decoder.so'), fakeLibrary('libvp9_decoder', 3_000, 183));
    server = await serveCodecs({});
    expect((await volume.fill(server.url)).at(-1)).toMatchObject({ usable: true, missing: [] });
    expect([...server.asked.keys()].toSorted()).toEqual(bad);
    expect(volume.wrong).toEqual([]);
  });

  test('loses sets that nobody used lately beyond the last three, and what a dead process left', async () => {
    server = await serveCodecs({});
    const old = ['a', 'b', 'c', 'd'].map((name) => `${name}111111-4578-linux-x86_64-standard`);
    for (const [index, name] of old.entries()) {
      mkdirSync(join(volume.directory, name));
      const day = Date.now() / 1000 - 86_400 * (index + 2);
      utimesSync(join(volume.directory, name), day, day);
    }
    mkdirSync(join(volume.directory, '.unfinished'));
    const dead = 'libx_decoder.1@999999999%3A1%3Aw';
    const another = 'libx_decoder.1@999999999%3A1%3Aother';
    for (const name of [dead, another]) writeFileSync(join(volume.directory, '.unfinished', name), '');
    await volume.fill(server.url);
    expect(readdirSync(volume.directory).filter((name) => name.startsWith('.') === false)).toEqual(
      [...old.slice(0, 2), `${VERSION}-linux-x86_64-standard`].toSorted(),
    );
    expect(volume.unfinished).toEqual([another]);
  });
});

describe('several sources', () => {
  test('are tried in turn: the codecs that a PMS has, and for the rest the network', async () => {
    server = await serveCodecs({});
    const folder = join(volume.root, 'Codecs', `${VERSION}-linux-x86_64-standard`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'libh264_decoder.so'), fakeLibrary('libh264_decoder'));
    const sources = [join(volume.root, 'Codecs'), server.url];
    expect((await volume.fill('', { sources })).at(-1)).toMatchObject({ usable: true, missing: [] });
    expect(server.asked.size).toBe(CODEC_NAMES.length - 1);
    expect(server.asked.has('libh264_decoder')).toBe(false);
  });
});

describe('several workers on one volume', () => {
  test('fill it together without harm', async () => {
    server = await serveCodecs({ latencyMs: 5, fault: passingFault });
    const fills = ['w1', 'w2', 'w3'].map((worker) => volume.fill(server.url, { worker }));
    const last = (await Promise.all(fills)).map((reports) => reports.at(-1));
    for (const report of last) expect(report).toMatchObject({ usable: true, missing: [] });
    expect(volume.wrong).toEqual([]);
    expect(volume.unfinished).toEqual([]);
  });
});

describe('which codecs', () => {
  test('are needed by a transcoder that is not Plex’s: none', async () => {
    server = await serveCodecs({});
    writeFileSync(volume.transcoder, Buffer.concat([fakeLibrary('ffmpeg'), Buffer.from('%s version 7.1\0')]));
    expect(await volume.fill(server.url)).toEqual([
      expect.objectContaining({ needed: false, usable: true, finished: true }),
    ]);
  });

  test('are needed where the transcoder stands behind PMS’s hook', async () => {
    server = await serveCodecs({});
    const original = `${volume.transcoder}, the original`;
    renameSync(volume.transcoder, original);
    writeFileSync(volume.transcoder, wrapperText({ node: '/node', hook: '/hook', original }));
    expect((await volume.fill('/nowhere'))[0]).toMatchObject({ needed: true, version: VERSION });
  });

  test('is not known while the transcoder is missing', async () => {
    server = await serveCodecs({});
    rmSync(volume.transcoder);
    await expect(volume.fill(server.url)).rejects.toThrow('ENOENT');
  });
});
