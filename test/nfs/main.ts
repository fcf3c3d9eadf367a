/**
 * npm run test:nfs: what fails over when, in a virtual machine with a real NFS server and client. It runs without KVM, as
 * root or not, and takes a few minutes; test/nfs/setup.sh fetches what it needs, once.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { bundle, writeBundle } from '../../deploy/artefacts/bundle.ts';
import { sourceOf } from '../../deploy/artefacts/parts.ts';
import { ffmpegTools } from '../support/ffmpeg.ts';
import { makeSample } from '../support/sample.ts';
import { bundleOf, FILM, FILM_SECONDS, PARTS, PROGRAMS } from './programs.ts';
import { type Measured, reported } from './report.ts';

const LIMIT_MS = 900_000;
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** Below node_modules, so that what is not bundled is found. */
const OUT = join(PROJECT, 'node_modules/.cache/nfs');

/** The virtual machine has the host's files, too: what a module names beside itself is found beside its source. */
const besideSources: Plugin = {
  name: 'beside-sources',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const url = JSON.stringify(pathToFileURL(join('/host', path)).href);
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url), loader: 'ts' };
    });
  },
};

// biome-ignore lint/style/noProcessEnv: switches for whoever runs the tests
const { NFS_TEST_DIR, XDG_CACHE_HOME, DEBUG } = process.env;
const directory = NFS_TEST_DIR ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'clusterplex-nfs');

const setup = spawnSync('/bin/sh', [join(PROJECT, 'test/nfs/setup.sh')], {
  env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', HOME: homedir(), NFS_TEST_DIR: directory },
  stdio: 'inherit',
});
if (setup.status !== 0) process.exit(1);

// That it strips types is said in each run.
process.removeAllListeners('warning');
const measured: Measured[] = [];
let isGood = false;
const since = performance.now();
await bundled();
const machine = start();
const limit = setTimeout(() => machine.kill('SIGKILL'), LIMIT_MS);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => machine.kill('SIGKILL'));
if (!machine.stdout) throw new Error('no pipe');
for await (const line of createInterface(machine.stdout)) {
  const found = reported(line);
  if (found) measured.push(found);
  if (line === 'ALL GOOD') isGood = true;
  if (!found || DEBUG) process.stdout.write(`${line}\n`);
}
clearTimeout(limit);
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
for (const { scenario, what, ms, limitMs, before } of measured) {
  console.log(
    `${scenario}: ${what}: ${seconds(ms)} (at most ${seconds(limitMs)}; measured by hand: ${before})`,
  );
}
console.log(`${isGood ? 'all scenarios passed' : 'FAILED'} in ${seconds(performance.now() - since)}`);
process.exit(isGood ? 0 : 1);

/** The emulated processor takes a minute to read a program's sources, and seconds for one file of them. */
async function bundled(): Promise<void> {
  rmSync(OUT, { recursive: true, force: true });
  await build({
    absWorkingDir: PROJECT,
    entryPoints: [...PROGRAMS],
    outbase: PROJECT,
    outdir: OUT,
    bundle: true,
    platform: 'node',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    banner: {
      js: `import { createRequire as r } from 'node:module'; const require = r(import.meta.url);`,
    },
    external: ['@ffmpeg-installer/*', '@ffprobe-installer/*'],
    plugins: [besideSources],
    logLevel: 'error',
  });
  for (const part of PARTS) {
    writeBundle(join(OUT, dirname(bundleOf(part))), await bundle(PROJECT, part, sourceOf(part)));
  }
  copyFileSync(join(PROJECT, 'package.json'), join(OUT, 'package.json'));
  await makeFilm(join(OUT, FILM));
}

/** With sound that takes no time to decode, and so much of it that nobody has read it ahead when its server is lost. */
async function makeFilm(path: string): Promise<void> {
  const sample = join(OUT, 'sample.mkv');
  await makeSample(sample, { seconds: FILM_SECONDS, width: 160, height: 90 });
  const streams = ['-map', '0:v', '-codec:v', 'copy', '-map', '0:a', '-codec:a', 'pcm_s16le'];
  execFileSync(ffmpegTools().ffmpeg, ['-loglevel', 'error', '-i', sample, ...streams, path]);
}

function start(): ChildProcess {
  const root = join(directory, 'root');
  // no_timer_check: where the host is full, the first interrupts come late.
  const words = `project=${PROJECT} programs=${OUT} node=${process.execPath} tools=${root}`;
  const share = 'local,path=/,mount_tag=host,security_model=none,multidevs=remap,readonly=on';
  return spawn(
    join(root, 'usr/bin/qemu-system-x86_64'),
    [
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '2048'],
      ...['-nographic', '-nodefaults', '-no-reboot', '-serial', 'stdio'],
      ...['share/qemu', 'share/seabios', 'lib/ipxe/qemu'].flatMap((part) => ['-L', join(root, 'usr', part)]),
      ...['-kernel', join(directory, 'kernel'), '-initrd', join(directory, 'initrd')],
      ...['-append', `console=ttyS0 quiet panic=-1 no_timer_check ${words}`, '-virtfs', share],
    ],
    {
      env: { LD_LIBRARY_PATH: join(root, 'usr/lib/x86_64-linux-gnu') },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
}
