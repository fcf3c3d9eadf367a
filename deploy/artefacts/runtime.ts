import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  createReadStream,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arch as machine } from 'node:process';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** As container engines call it, and as the npm packages with Node's binaries do. */
export const ARCHITECTURES = { amd64: 'x64', arm64: 'arm64' } as const;
export type Architecture = keyof typeof ARCHITECTURES;

export interface Runtime {
  readonly architecture: Architecture;
  readonly version: string;
  readonly sha256: string;
  /** The npm package that it is from. */
  readonly from: string;
}

const FETCH_MS = 300_000;

export function ownArchitecture(): Architecture {
  return machine === 'arm64' ? 'arm64' : 'amd64';
}

/** The Node of this checkout's packages, for this machine's architecture. */
export function ownRuntime(root: string, out: string): Promise<Runtime> {
  const architecture = ownArchitecture();
  const binary = join(root, 'node_modules/node/bin/node');
  return place(root, out, architecture, (file) => sameFile(binary, file));
}

/** The same version for another architecture, and Node's licence, from the registry. */
export async function fetchedRuntime(
  root: string,
  out: string,
  architecture: Architecture,
): Promise<Runtime> {
  const work = mkdtempSync(join(tmpdir(), 'clusterplex-node-'));
  try {
    const words = ['pack', '--silent', '--pack-destination', work, packageOf(root, architecture)];
    await run('npm', words, { cwd: root, timeout: FETCH_MS });
    const [tarball = ''] = readdirSync(work);
    await run('tar', ['-xzf', join(work, tarball), '-C', work, 'package/bin/node', 'package/LICENSE']);
    mkdirSync(join(out, 'node'), { recursive: true });
    copyFileSync(join(work, 'package/LICENSE'), join(out, 'node/LICENSE'));
    return await place(root, out, architecture, (file) => copyFileSync(join(work, 'package/bin/node'), file));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What an earlier build left, if it is still the version that is asked for. */
export function keptRuntime(root: string, out: string, architecture: Architecture): Runtime | null {
  const file = join(folderOf(out, architecture), 'node.json');
  if (!existsSync(file)) return null;
  const kept: Runtime = JSON.parse(readFileSync(file, 'utf8'));
  return kept.from === packageOf(root, architecture) ? kept : null;
}

async function place(
  root: string,
  out: string,
  architecture: Architecture,
  put: (file: string) => void,
): Promise<Runtime> {
  const folder = folderOf(out, architecture);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'node');
  put(file);
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const runtime: Runtime = {
    architecture,
    version: versionOf(root),
    sha256: hash.digest('hex'),
    from: packageOf(root, architecture),
  };
  writeFileSync(join(folder, 'node.json'), `${JSON.stringify(runtime, null, 2)}\n`);
  return runtime;
}

/** A second name costs no 120 MB; where that can't be, a copy. */
export function sameFile(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

function folderOf(out: string, architecture: Architecture): string {
  return join(out, 'node', architecture);
}

function packageOf(root: string, architecture: Architecture): string {
  return `node-linux-${ARCHITECTURES[architecture]}@${versionOf(root)}`;
}

function versionOf(root: string): string {
  const { version }: { version: string } = JSON.parse(
    readFileSync(join(root, 'node_modules/node/package.json'), 'utf8'),
  );
  return version;
}
