/**
 * `npm run images:check`: builds every Dockerfile by a container engine, where there is one, and runs their steps in roots
 * made by debootstrap, to start what comes of it: read-only, without privileges and without a network.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '#shared/version.ts';
import { buildArtefacts } from '../../artefacts/build.ts';
import { ownArchitecture } from '../../artefacts/runtime.ts';
import { Container } from './container.ts';
import { buildWith, engineHere } from './engine.ts';
import { buildImage, type Image } from './image.ts';
import { makePlexStandIn } from './plex.ts';
import { checkUnits } from './units.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const S6 = '/etc/s6-overlay/s6-rc.d';
const TOKEN = { CLUSTERPLEX_TOKEN: 'a-token-of-the-check' };
const [, , debian = ''] = process.argv;

const work = mkdtempSync(join(tmpdir(), 'images-check-'));
let failures = 0;
try {
  process.removeAllListeners('warning');
  await buildArtefacts(join(ROOT, 'build'), [ownArchitecture()]);
  const base = debian || join(work, 'debian');
  if (!existsSync(base)) {
    say('debootstrap: about a minute');
    execFileSync('debootstrap', ['--variant=minbase', 'bookworm', base], { stdio: 'ignore' });
  }
  await check(base);
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;

async function check(debianRoot: string): Promise<void> {
  const surroundings = {
    context: ROOT,
    work,
    args: { TARGETARCH: ownArchitecture() },
    base(name: string, root: string): void {
      execFileSync('cp', ['-a', `${debianRoot}/.`, root]);
      cpSync('/etc/resolv.conf', join(root, 'etc/resolv.conf'));
      if (name.includes('plex')) makePlexStandIn(root);
    },
  };
  const engine = engineHere();
  say(engine ? `images and mods are built by ${engine}, too` : 'no container engine answers here');
  const made = (kind: string, name: string): Image | null => {
    const file = join(ROOT, 'deploy', kind, name, 'Dockerfile');
    if (engine) step(`${kind}/${name}: ${engine} builds it`, () => buildWith(engine, file, ROOT));
    return step(`${kind}/${name}: its steps run`, () => buildImage(file, `${kind}-${name}`, surroundings));
  };
  const orchestrator = made('images', 'orchestrator');
  if (orchestrator) await serves('orchestrator', orchestrator, ['/var/lib/clusterplex']);
  const worker = made('images', 'worker');
  if (worker) await serves('worker', worker, ['/codecs', '/transcode']);
  const dfs = made('images', 'dfs');
  if (dfs) await probes(dfs);
  const pms = made('images', 'pms');
  if (pms) await hooks('images/pms', pms, 'ro');

  for (const name of ['pms', 'worker']) {
    const mod = made('mods', name);
    if (!mod) continue;
    const root = join(work, `plex-with-${name}`);
    surroundings.base('plex', root);
    // As linuxserver's script does.
    execFileSync('sh', ['-c', 'cp -R "$1"/* "$2"/', 'sh', mod.root, root]);
    const image = { ...mod, root, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } };
    if (name === 'pms') await hooks('mods/pms', image, 'rw');
    else await modWorks(image);
  }

  const booted = join(work, 'units');
  surroundings.base('debian', booted);
  const plain = join(ROOT, 'build/plain', ownArchitecture());
  for (const line of step('units: a systemd boots', () => checkUnits(booted, plain)) ?? []) {
    if (line.startsWith('FAILED')) failures += 1;
    say(line);
  }
}

/** The image as it is: its user, a root that can't be written, no capability, no network, its own health check. */
async function serves(name: string, image: Image, writable: readonly string[]): Promise<void> {
  const { entrypoint: command, user, health } = image;
  const container = new Container(image, {
    ...{ command, user, env: TOKEN, mode: 'ro', writable: ['/tmp', '/run', ...writable] },
  });
  await stepped(`images/${name}: starts read-only as ${user}`, () => container.said(/^listening http/));
  step(`images/${name}: its health check finds it well`, () => container.run(image, health ?? 'false'));
  step(`images/${name}: its health check finds another port not so`, () =>
    refused(() => container.run(image, `LISTENING_PORT=9; ${health}`)),
  );
  step(`images/${name}: nothing can write its root, not even root`, () =>
    refused(() => container.run(image, 'touch /opt/clusterplex/anything')),
  );
  step(`images/${name}: its first process reaps`, () =>
    equal(container.run(image, 'cat /proc/1/comm').trim(), 'tini'),
  );
  step(`images/${name}: carries the command line, ${VERSION}`, () =>
    container.run(image, 'clusterplex --help'),
  );
  step(`images/${name}: says what is in it, and by which licences`, () =>
    container.run(
      image,
      'cd /opt/clusterplex && test -s SBOM.json && test -s LICENSES.txt && test -s tini.copyright',
    ),
  );
  await stepped(`images/${name}: ends on SIGTERM with 0`, async () => equal(await container.stop(), 0));
}

/** As it is by default: dfs-probe. dfs-mount mounts for the machine; `npm run test:nfs` shows that. */
async function probes(image: Image): Promise<void> {
  const { entrypoint: command, user } = image;
  const container = new Container(image, {
    ...{ command, user, env: {}, mode: 'ro', writable: ['/tmp', '/run'] },
  });
  await stepped(`images/dfs: starts read-only as ${user}`, () => container.said(/^listening http/));
  step('images/dfs: has what mounts NFS', () => container.run(image, 'test -x /sbin/mount.nfs4'));
  await stepped('images/dfs: ends on SIGTERM with 0', async () => equal(await container.stop(), 0));
}

/** PMS's side: the hook in place, once and again, and the relay as PMS's user. */
async function hooks(name: string, image: Image, mode: 'ro' | 'rw'): Promise<void> {
  const init = `${S6}/init-mod-plex-clusterplex/run`;
  const start = (command: readonly string[], env = {}): Container =>
    new Container(image, { command, user: '0:0', env, mode, writable: ['/tmp', '/run'] });
  const first = mode === 'rw' ? /^put the hook in place/ : /^already in place/;
  for (const expected of [first, /^already in place/]) {
    await stepped(`${name}: its init, with a root that is ${mode}, says ${expected}`, async () => {
      const container = start([init]);
      await container.said(expected);
      equal(await container.exited, 0);
    });
  }
  await stepped(`${name}: what PMS starts runs Plex's own where that is asked for`, async () => {
    const hook = start(['/usr/lib/plexmediaserver/Plex Transcoder', 'words'], {
      TRANSCODE_OPERATING_MODE: 'local',
    });
    await hook.said(/^Plex’s own: words$/);
    equal(await hook.exited, 0);
  });
  await supervised(name, image, mode, {
    init,
    service: 'svc-mod-plex-clusterplex-relay',
    env: { ...TOKEN, PMS_IP: '127.0.0.1' },
    listening: /^listening http.* socket \/run\/clusterplex\/relay.sock/,
  });
}

interface Service {
  readonly init: string;
  readonly service: string;
  readonly env: Readonly<Record<string, string>>;
  readonly listening: RegExp;
}

/** A service under the real s6, from the files that s6-rc would give it. */
async function supervised(name: string, image: Image, mode: 'ro' | 'rw', given: Service): Promise<void> {
  const { init, service, env, listening } = given;
  const folder = `/run/${service}`;
  const script = `${init}; cp -R ${S6}/${service} ${folder}; exec s6-supervise ${folder}`;
  const container = new Container(image, {
    ...{ command: ['/bin/sh', '-c', script], user: '0:0', env, mode },
    writable: ['/tmp', '/run', '/transcode'],
  });
  await stepped(`${name}: its service serves`, () => container.said(listening));
  step(`${name}: s6 is told that it is ready`, () => container.run(image, `s6-svwait -U -t 20000 ${folder}`));
  step(`${name}: it is abc's, like PMS`, () => {
    const pid = container.run(image, `s6-svstat -o pid ${folder}`).trim();
    equal(container.run(image, `stat -c %u /proc/${pid}`).trim(), '911');
  });
  step(`${name}: killed, it comes back`, () =>
    container.run(
      image,
      `s6-svc -k ${folder} && s6-svwait -r -t 1000 ${folder}; s6-svwait -U -t 20000 ${folder}`,
    ),
  );
  step(`${name}: it ends when s6 asks it to`, () => container.run(image, `s6-svc -dx ${folder}`));
  await stepped(`${name}: and so does the container`, async () => equal(await container.exited, 0));
}

async function modWorks(image: Image): Promise<void> {
  await supervised('mods/worker', image, 'rw', {
    init: `${S6}/init-mod-plex-clusterplex-worker/run`,
    service: 'svc-plex',
    env: TOKEN,
    listening: /^listening http/,
  });
}

function step<T>(what: string, work: () => T): T | null {
  try {
    const result = work();
    say(`ok      ${what}`);
    return result;
  } catch (error) {
    fail(what, error);
    return null;
  }
}

async function stepped(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    say(`ok      ${what}`);
  } catch (error) {
    fail(what, error);
  }
}

function fail(what: string, error: unknown): void {
  failures += 1;
  say(`FAILED  ${what}\n        ${String(error).replaceAll('\n', '\n        ')}`);
}

function equal(found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`it is ${found}, not ${expected}`);
}

function refused(work: () => unknown): void {
  try {
    work();
  } catch {
    return;
  }
  throw new Error('it was taken');
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
