import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Helper, type HelperSurroundings } from '../transcoder/helper.ts';
import { isAlive, type Owner } from '../transcoder/owner.ts';

/** Whoever starts EasyAudioEncoder makes these, so that a transcoder finds them at once; Plex's own players do so, too. */
const WATCH_FOLDERS = [
  'Convert to WAV (to 2ch or less)',
  'Convert to WAV (to 8ch or less)',
  'Convert to Dolby Digital (Low Quality - 384 kbps)',
  'Convert to Dolby Digital (High Quality - 640 kbps)',
  'Convert to Dolby Digital Plus (High Quality - 384 kbps)',
  'Convert to Dolby Digital Plus (Max Quality - 1024 kbps)',
];

const ROOT = /^clusterplex-eae-(\d+)-(\d+)-(.*)$/;
/** What it said last, for people. */
const WORDS = 300;

export interface EncoderOptions extends HelperSurroundings {
  readonly owner: Owner;
  /** Carries the worker's mark, so that it ends with the worker. */
  readonly env: Readonly<Record<string, string>>;
  /** It ended by itself, and is started again. */
  ended(words: string): void;
}

/** The one EasyAudioEncoder of this worker, and the directory in which it works, on a local disk. */
export class Encoder {
  readonly root: string;
  readonly #options: EncoderOptions;
  #helper: Helper | null = null;
  #words = '';

  constructor(options: EncoderOptions) {
    const { owner } = options;
    this.#options = options;
    this.root = join(tmpdir(), `clusterplex-eae-${owner.pid}-${owner.startTime}-${plain(owner.worker)}`);
  }

  get pid(): number | null {
    return this.#helper?.pid ?? null;
  }

  start(executable: string): void {
    if (this.#helper) return;
    this.#removeRoots();
    for (const folder of WATCH_FOLDERS) mkdirSync(join(this.root, folder), { recursive: true });
    this.#launch(executable);
  }

  /** With jobs in its directory, another process takes its place there: only a new one reads a new licence. */
  restart(executable: string): void {
    if (!this.#helper) {
      this.start(executable);
      return;
    }
    this.#helper.stop();
    this.#launch(executable);
  }

  #launch(executable: string): void {
    const helper = new Helper({
      ...this.#options,
      name: 'EasyAudioEncoder',
      script: 'cd -- "$1" && exec "$2" 2>&1',
      words: [this.root, executable],
      endsWithWorker: false,
      output: (text) => {
        if (this.#helper === helper) this.#words = (this.#words + text).slice(-WORDS);
      },
      ended: () => {
        if (this.#helper === helper) this.#options.ended(this.#words.trim());
      },
    });
    this.#words = '';
    this.#helper = helper;
    helper.start();
  }

  stop(): void {
    this.#helper?.stop();
    this.#helper = null;
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Of itself, and of earlier processes of this worker. */
  #removeRoots(): void {
    for (const name of readdirSync(tmpdir())) {
      const [, pid, startTime = '', worker] = ROOT.exec(name) ?? [];
      if (pid === undefined || worker !== plain(this.#options.owner.worker)) continue;
      const path = join(tmpdir(), name);
      const alive = isAlive({ pid: Number(pid), startTime, worker });
      if (path === this.root || !alive) rmSync(path, { recursive: true, force: true });
    }
  }
}

function plain(worker: string): string {
  return worker.replace(/\W/g, '_').slice(0, 100);
}
