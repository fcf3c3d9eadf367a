import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { Exported } from '../../dfs/exported.ts';
import { nfsProblem } from '../../dfs/nfsNull.ts';
import { FuseMount } from '../support/fuseMount.ts';
import { Part } from '../support/part.ts';
import { portOf } from '../support/portOf.ts';

const obstacle = await FuseMount.obstacle();
if (obstacle !== null) process.stderr.write(`NOT TESTED, dfs-probe at a FUSE mount: ${obstacle}\n`);

const CONNECTIONS = '/sys/fs/fuse/connections';
/** What a container is to the kernel's table of mounts. */
const OWN_MOUNTS = ['unshare', '--mount', '--propagation', 'private'];

/** Answers what it is asked by this. */
async function serverOf(answer: (asked: Buffer, socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (asked) => answer(asked, socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Accepted, and nothing said. */
function accept(asked: Buffer, socket: Socket): void {
  const reply = Buffer.alloc(28);
  reply.writeUInt32BE(0x80_00_00_18, 0);
  asked.copy(reply, 4, 4, 8);
  reply.writeUInt32BE(1, 8);
  // In two pieces, as a network may.
  socket.write(reply.subarray(0, 9));
  socket.write(reply.subarray(9));
}

describe('an NFS server', () => {
  test.each([
    ['answers', accept, null],
    [
      'is something else',
      (_asked: Buffer, socket: Socket) => void socket.write('220 ready for mail'),
      /^is no NFS/,
    ],
    ['closes', (_asked: Buffer, socket: Socket) => void socket.end(), /^closed the connection/],
    ['hangs', () => undefined, /^does not answer within 200 ms/],
  ])('%s', async (_how, answer, expected) => {
    const server = await serverOf(answer);
    const problem = await nfsProblem(portOf(server), 200, systemClock);
    if (expected === null) expect(problem).toBeNull();
    else expect(problem).toMatch(expected);
    server.close();
    const gone = await nfsProblem(1, 200, systemClock);
    expect(gone).toMatch(/can't be reached: .*ECONNREFUSED/);
  });
});

describe.runIf(obstacle === null)('dfs-probe', () => {
  const directory = mkdtempSync(join(tmpdir(), 'dfs-probe-'));
  const path = join(directory, 'dfs');
  const film = join(directory, 'film');
  let nfs: Server;
  let part: Part;
  // As systemd does at each start.
  const hasMounted = spawnSync('mount', ['-t', 'fusectl', 'fusectl', CONNECTIONS]).status === 0;

  beforeAll(async () => {
    mkdirSync(path);
    writeFileSync(film, 'film');
    nfs = await serverOf(accept);
    part = startProbe();
  });

  afterAll(async () => {
    expect(await part.stop()).toEqual({ code: 0, signal: null });
    nfs.close();
    rmSync(directory, { recursive: true, force: true });
    if (hasMounted) spawnSync('umount', [CONNECTIONS]);
  });

  function startProbe(enter: readonly string[] = []): Part {
    const env = {
      ...{ DFS_PATH: path, DFS_NFS_PORT: String(portOf(nfs)), DFS_PROBE_MS: '20' },
      ...{ LISTENING_HOST: '127.0.0.1', LISTENING_PORT: '0' },
    };
    return new Part('dfs/probe.ts', env, enter);
  }

  interface Ready {
    readonly status: number;
    readonly instance: string | null | undefined;
    readonly failed: Readonly<Record<string, string>>;
  }

  async function ready(probe: Part): Promise<Ready> {
    const response = await fetch(`${await probe.listening()}/ready`);
    const { instance, checks } = Object(await response.json());
    const failed = Object(checks)
      .filter(({ ok }: { ok: boolean }) => !ok)
      .map(({ name, message }: { name: string; message: string }) => [name, message]);
    return { status: response.status, instance, failed: Object.fromEntries(failed) };
  }

  /** Waits until it says so. */
  async function says(condition: (said: Ready) => boolean, probe = part): Promise<Ready> {
    for (;;) {
      const said = await ready(probe);
      if (condition(said)) return said;
    }
  }

  test('is not ready where nothing is mounted, and names the checks', async () => {
    const { failed, instance } = await says((said) =>
      /nothing is mounted/.test(said.failed['mounted'] ?? ''),
    );
    expect(Object.keys(failed)).toEqual(['mounted', 'answers', 'links']);
    expect(instance).toBeNull();
  });

  test('is ready where FUSE is mounted, tells each mount from the one before, and sees one that hangs', async () => {
    const first = await FuseMount.healthy(path, film, 'film');
    const { instance } = await says(({ status }) => status === 200);
    expect(instance).not.toBeNull();
    const metrics = await (await fetch(`${await part.listening()}/metrics`)).text();
    expect(metrics).toContain('clusterplex_dfs_probe_check_ok{check="answers"} 1');
    const second = await FuseMount.healthy(path, film, 'film');
    await says((said) => said.instance !== instance && said.status === 200);
    second.hang();
    const { failed } = await says(({ status }) => status === 503);
    expect(failed['answers']).toBe(`${path} does not answer within 2000 ms`);
    expect(await (await fetch(`${await part.listening()}/health`)).text()).toBe('Healthy');
    second.remove();
    first.remove();
    await says((said) => said.instance === null);
  });

  test('says the same of a mount from wherever it is looked at, and another thing once its daemon was started again', async () => {
    const first = await FuseMount.healthy(path, film, 'film');
    const { instance, status } = await says((said) => said.status === 200);
    const elsewhere = startProbe(OWN_MOUNTS);
    expect(await says((said) => said.status === 200, elsewhere)).toMatchObject({ status, instance });
    await elsewhere.stop();
    // Nobody looks while it is away, and the new one gets the numbers of the old one.
    part.child.kill('SIGSTOP');
    first.remove();
    const second = await FuseMount.healthy(path, film, 'film');
    part.child.kill('SIGCONT');
    await says((said) => said.instance !== instance && said.status === 200);
    second.remove();
  });
});

test('before its first look a probe says nothing of which mount it is, since null says that there is none', () => {
  expect(new Exported('/nowhere', 0, systemClock).instance).toBeUndefined();
});
