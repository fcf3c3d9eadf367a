import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { mountsIn } from '#shared/storage/mountTable.ts';
import { compileCache } from '../support/compileCache.ts';
import { FakeStorageNode } from '../support/fakeStorageNode.ts';
import { Part } from '../support/part.ts';

const OWN_MOUNTS = ['unshare', '--mount', '--propagation', 'private'];
const obstacle = spawnSync(OWN_MOUNTS[0] ?? '', [...OWN_MOUNTS.slice(1), 'true'], { encoding: 'utf8' });
const isAllowed = obstacle.status === 0;
if (!isAllowed) process.stderr.write(`NOT TESTED, dfs-mount: ${obstacle.stderr}\n`);

/** In place of NFS: what is mounted says where it comes from. What is mounted anew is not stale. */
const MOUNT = `#!/bin/sh
server=$(echo "$6" | cut -d: -f1)
[ -e "$FAULTS/$server.refuses" ] && { echo 'access denied'; exit 32; }
rm -f "$FAULTS/$server.stale"
/bin/mount -t tmpfs -- "$6" "$7" && echo film > "$7/film"
`;
/** What is mounted answers, or does not, as the file that is named after its server says. */
const STAT = `#!/bin/sh
server=$(sed -n "s|.* - tmpfs \\([^:]*\\):/export .*|\\1|p" /proc/self/mountinfo | tail -n 1)
[ -e "$FAULTS/$server.hangs" ] && sleep 1000
[ -e "$FAULTS/$server.stale" ] && { echo "stat: cannot read: Stale file handle"; exit 1; }
exec /usr/bin/stat "$@"
`;

/** What is behind the mount is asked when it is gone from the table already: a delegation is given back to a server that hangs. */
const UMOUNT = `#!/bin/sh
server=$(sed -n "s|.* - tmpfs \\([^:]*\\):/export .*|\\1|p" /proc/self/mountinfo | tail -n 1)
/bin/umount "$@" || exit
[ -e "$FAULTS/$server.hangs" ] && exec sleep 1000
exit 0
`;

test.each([
  [{}, 'DFS_SERVERS is missing\n(name the storage nodes: --help)\n'],
  [
    { DFS_SERVERS: '192.168.1.12, ' },
    'DFS_SERVERS is wrong: "192.168.1.12," is not a list of addresses; "" is none\n(--help lists the settings)\n',
  ],
])('dfs-mount does not start without storage nodes: %j', (env, expected) => {
  const file = fileURLToPath(new URL('../../dfs/mount.ts', import.meta.url));
  const options = { env: { PATH: '/usr/bin:/bin', ...compileCache, ...env }, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], options);
  expect({ status, stdout, stderr }).toEqual({ status: 2, stdout: '', stderr: expected });
});

// On a machine that is full a good server, too, is silent for a while, and each move because of that is followed by a pause.
describe.runIf(isAllowed)('dfs-mount', { timeout: 90_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'dfs-'));
  const [bin, faults, path] = ['bin', 'faults', 'dfs'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  let w1: FakeStorageNode;
  let w2: FakeStorageNode;
  let part: Part;

  beforeAll(async () => {
    for (const each of [bin, faults, path]) mkdirSync(each);
    for (const [name, text] of [
      ['mount', MOUNT],
      ['stat', STAT],
      ['umount', UMOUNT],
    ] as const) {
      writeFileSync(join(bin, name), text);
      chmodSync(join(bin, name), 0o755);
    }
    w1 = await FakeStorageNode.listen('127.0.0.2', 0);
    w2 = await FakeStorageNode.listen('127.0.0.3', w1.port);
    part = new Part(
      'dfs/mount.ts',
      {
        ...{ PATH: `${bin}:/usr/bin:/bin`, FAULTS: faults },
        ...{ DFS_PATH: path, DFS_EXPORT: '/export', DFS_PROBE_PORT: String(w1.port) },
        ...{ DFS_SERVERS: `${w1.address},${w2.address}`, DFS_PROBE_MS: '50', DFS_LOST_MS: '3000' },
        ...{ LISTENING_HOST: '127.0.0.1', LISTENING_PORT: '0' },
      },
      OWN_MOUNTS,
    );
  });

  afterEach(() => {
    rmSync(faults, { recursive: true });
    mkdirSync(faults);
  });

  afterAll(async () => {
    expect(await part.stop()).toEqual({ code: 0, signal: null });
    w1.close();
    w2.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const fault = (node: FakeStorageNode, what: string) =>
    writeFileSync(join(faults, `${node.address}.${what}`), '');
  const mounted = () =>
    mountsIn(readFileSync(`/proc/${part.pid}/mountinfo`, 'utf8')).filter(({ at }) => at === path);
  const moved = (node: FakeStorageNode, reason: string, times = 1) =>
    part.logged('mounted', { server: node.address, reason }, times);
  const answers = (node: FakeStorageNode, times: number) =>
    part.logged('what is mounted answers', { server: node.address }, times);
  const asked = async (what: string) => (await fetch(`${await part.listening()}${what}`)).text();

  test('says that nothing is mounted while nobody serves', async () => {
    await part.logged('what is mounted can not be used');
    expect(JSON.parse(await asked('/ready'))).toMatchObject({
      ready: false,
      checks: [
        { name: 'mount', ok: false, message: `nothing is mounted at ${path}` },
        { name: 'servers', ok: false, blocking: false },
        { name: 'split-brain', ok: true },
      ],
    });
    expect(await asked('/health')).toBe('Healthy');
  });

  test('mounts who serves, and is ready when that answers', async () => {
    w1.instance = 'a';
    await moved(w1, 'nothing-mounted');
    await answers(w1, 1);
    expect(mounted()).toMatchObject([{ source: `${w1.address}:/export` }]);
    expect(JSON.parse(await asked('/ready'))).toMatchObject({ ready: true });
    expect(await asked('/metrics')).toContain(`clusterplex_dfs_mounted{server="${w1.address}"} 1`);
  });

  test('stays when another one serves, too, and raises an alarm', async () => {
    w2.instance = 'b';
    await part.logged('more than one storage node serves');
    expect(await asked('/metrics')).toContain('clusterplex_dfs_split_brain 1');
    expect(JSON.parse(await asked('/ready'))).toMatchObject({ ready: true });
    expect(mounted()).toMatchObject([{ source: `${w1.address}:/export` }]);
  });

  test('mounts the other one in place of one that hangs, and hangs nowhere itself', async () => {
    fault(w1, 'hangs');
    await moved(w2, 'silent');
    expect(part.lines('could not be mounted')).toEqual([]);
    await answers(w2, 1);
    expect(mounted()).toMatchObject([{ source: `${w2.address}:/export` }]);
    expect(await asked('/metrics')).toMatch(/^clusterplex_dfs_remounts_total{reason="silent"} [1-9]/m);
  });

  test('mounts anew what is stale', async () => {
    fault(w2, 'stale');
    await moved(w2, 'stale');
    await answers(w2, 2);
  });

  test('mounts anew when the daemon of the server was started again', async () => {
    const [before] = mounted();
    w2.instance = 'c';
    await moved(w2, 'restarted');
    const now = mounted();
    expect(now).toHaveLength(1);
    expect(now[0]?.source).toBe(before?.source);
  });

  test('goes on to the other one when a server refuses', async () => {
    await answers(w2, 3);
    fault(w1, 'refuses');
    fault(w2, 'hangs');
    await part.logged('could not be mounted', { server: w1.address, problem: 'mount: access denied' });
    rmSync(join(faults, `${w2.address}.hangs`));
    await moved(w2, 'nothing-mounted');
  });

  test('touches nothing that somebody else mounted there', async () => {
    w1.instance = null;
    w2.instance = null;
    spawnSync('nsenter', ['-t', String(part.pid), '-m', '/bin/mount', '-t', 'tmpfs', 'theirs', path]);
    await part.logged('what is mounted can not be used', {
      problem: `tmpfs theirs is mounted at ${path}, by somebody else: unmount it`,
    });
    w1.instance = 'd';
    await fetch(`${await part.listening()}/ready`);
    expect(mounted().at(-1)?.source).toBe('theirs');
  });
});
