import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { architectureOf } from '../../worker/codecs/architecture.ts';
import { type FillingLimits, type FillingOptions, fillSet } from '../../worker/codecs/filling.ts';
import type { Report } from '../../worker/codecs/report.ts';
import { fakeLibrary, fakeTranscoderFile } from './fakeLibrary.ts';

export const VERSION = '46f74ab-560174306fe167a5978a79dd';

/** Patience for tests. */
export const SHORT: FillingLimits = {
  atOnce: 8,
  tries: 5,
  stallMs: 300,
  fileMs: 5_000,
  backoff: { firstMs: 1, lastMs: 10 },
};

/** A directory for codecs, and a transcoder that wants some. */
export class CodecVolume {
  readonly root = mkdtempSync(join(tmpdir(), 'clusterplex-codecs-'));
  readonly directory = join(this.root, 'codecs');
  readonly set = join(this.directory, `${VERSION}-linux-x86_64-standard`);
  readonly transcoder = join(this.root, 'Plex Transcoder');

  constructor() {
    writeFileSync(this.transcoder, fakeTranscoderFile(VERSION), { mode: 0o755 });
  }

  options(source: string, changes: Partial<FillingOptions> = {}): FillingOptions {
    return {
      worker: 'w',
      transcoder: this.transcoder,
      codecs: 'auto',
      directory: this.directory,
      sources: [source],
      architecture: architectureOf('amd64'),
      limits: SHORT,
      ...changes,
    };
  }

  async fill(source: string, changes: Partial<FillingOptions> = {}): Promise<Report[]> {
    const reports: Report[] = [];
    await fillSet(this.options(source, changes), (report) => reports.push(report));
    return reports;
  }

  /** The codecs that lie there under their own names. */
  get codecs(): string[] {
    return readdirSync(this.set).map((name) => name.replace(/\.so$/, ''));
  }

  /** Those of them that are not what the server has. */
  get wrong(): string[] {
    return this.codecs.filter((codec) => {
      return !readFileSync(join(this.set, `${codec}.so`)).equals(fakeLibrary(codec));
    });
  }

  get unfinished(): string[] {
    return readdirSync(join(this.directory, '.unfinished'));
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
