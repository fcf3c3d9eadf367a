import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test as plainTest } from 'vitest';
import type { ByteString } from '#shared/bytes.ts';
import { hookText } from '../../pms/install/hookText.ts';
import { FakeRelay } from './fakeRelay.ts';
import { installRecordingTranscoder, type RecordingTranscoder } from './recordingTranscoder.ts';
import { startProgram } from './startProgram.ts';

/** The hook runs from its source, and as the installer writes it. */
export type HookForm = 'ts' | 'cjs';

export interface HookRun {
  readonly argv: readonly ByteString[];
  readonly env?: Readonly<Record<string, ByteString>>;
  readonly cwd?: ByteString;
}

export interface HookExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface RunningProcess {
  readonly pid: number;
  readonly exited: Promise<HookExit>;
  kill(signal: NodeJS.Signals): void;
}

const HOOK_SOURCE = fileURLToPath(new URL('../../pms/hook.ts', import.meta.url));
const INSTALL = fileURLToPath(new URL('../../pms/install.ts', import.meta.url));

/** The PMS side of one test: a directory with a transcoder, and a place for the relay's socket. */
export class PmsHost {
  readonly directory = mkdtempSync(join(tmpdir(), 'clusterplex-pms-'));
  readonly socket = join(this.directory, 'relay.sock');
  /** Where Plex's programs are. */
  readonly plex = join(this.directory, 'plex');
  readonly #relays: FakeRelay[] = [];
  readonly #running = new Set<RunningProcess>();

  constructor() {
    mkdirSync(this.plex);
  }

  async relay(): Promise<FakeRelay> {
    const relay = await FakeRelay.listen(this.socket);
    this.#relays.push(relay);
    return relay;
  }

  /** A transcoder under the name that the hook looks for. */
  recorder(): Promise<RecordingTranscoder> {
    return installRecordingTranscoder(this.plex, 'originalTranscoder');
  }

  hook(form: HookForm, run: HookRun): RunningProcess {
    return this.start(process.execPath, { ...run, argv: [this.#hookPath(form), ...run.argv] });
  }

  /** Starts anything as PMS would: nothing of the test's own environment, bytes as they are. */
  start(file: string, { argv, env = {}, cwd = this.directory }: HookRun): RunningProcess {
    const settings = { PATH: '/usr/bin:/bin', RELAY_SOCKET: this.socket, TRANSCODER_PATH: this.plex };
    const { child, stdout, stderr } = startProgram({ file, argv, env: { ...settings, ...env }, cwd });
    const output: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
    stdout.on('data', (data: Buffer) => output.stdout.push(data));
    stderr.on('data', (data: Buffer) => output.stderr.push(data));
    const exited = new Promise<HookExit>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        const [out, err] = [Buffer.concat(output.stdout), Buffer.concat(output.stderr)];
        resolve({ code, signal, stdout: out, stderr: err });
      });
    });
    const running = {
      pid: child.pid ?? -1,
      exited,
      kill: (signal: NodeJS.Signals) => void child.kill(signal),
    };
    this.#running.add(running);
    return running;
  }

  /** Runs the installer for this host's Plex. */
  install(
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
    nodeArgs: readonly string[] = [],
  ): Promise<InstallerExit> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [...nodeArgs, INSTALL, ...args],
        { env: { PATH: '/usr/bin:/bin', TRANSCODER_PATH: this.plex, ...env } },
        (error, stdout, stderr) => {
          const code = error ? (typeof error.code === 'number' ? error.code : null) : 0;
          resolve({ code, signal: error?.signal ?? null, stdout, stderr });
        },
      );
    });
  }

  /** Ends what still runs and removes the directory. */
  async close(): Promise<void> {
    for (const { kill } of this.#running) kill('SIGKILL');
    await Promise.all([...this.#running].map(({ exited }) => exited));
    await Promise.allSettled(this.#relays.map((relay) => relay.close()));
    rmSync(this.directory, { recursive: true, force: true });
  }

  #hookPath(form: HookForm): string {
    if (form === 'ts') return HOOK_SOURCE;
    const path = join(this.directory, 'hook.cjs');
    if (!existsSync(path)) writeFileSync(path, hookText());
    return path;
  }
}

export interface InstallerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A test with a PMS host of its own. */
export const test = plainTest.extend<{ pms: PmsHost }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest asks for a pattern that names the fixtures it needs.
  pms: async ({}, use) => {
    const pms = new PmsHost();
    await use(pms);
    await pms.close();
  },
});
