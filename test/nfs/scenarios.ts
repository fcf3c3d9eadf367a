import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { setTimeout as later } from 'node:timers/promises';
import type { GpuNode } from './gpuNode.ts';
import { OpenFilm } from './openFilm.ts';
import { report, until } from './report.ts';
import { FILMS, type StorageNode } from './storageNode.ts';

export interface Stage {
  /** Where the films are that FUSE shows. */
  readonly films: string;
  readonly w1: StorageNode;
  readonly w2: StorageNode;
  readonly w3: GpuNode;
}

export type Scenario = (stage: Stage) => Promise<void>;

/** A daemon that was asked in this order has given its files other numbers. */
const BACKWARDS = FILMS.toReversed();

/** Each begins as the one before it ended. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  async 'what w1 serves is mounted, as soon as it does'({ films, w1, w2, w3 }) {
    await Promise.all([w1.follow(), w2.follow(), w1.probe(), w2.probe()]);
    await w3.keepMounted([w1.address, w2.address]);
    await until('no storage node is ready', () => w3.metric('clusterplex_dfs_servers_ready') === 0, 10_000);
    strictEqual(w3.server, null);
    await w1.mount(films, FILMS);
    const ms = await w3.shows(w1.address, 60_000);
    report({ scenario: 'start', what: 'daemon started → read on w3', ms, limitMs: 60_000, before: '-' });
    readsAll(w3);
  },

  async 'the daemon on w1 starts again: its exports are refreshed, and mounted anew'({ films, w1, w3 }) {
    const open = await OpenFilm.in(w3.inside, 'film2');
    w1.unmount();
    const since = performance.now();
    await w1.mount(films, BACKWARDS);
    // Which of them comes first is chance: the probe's word, an error, or a stale handle.
    const reasons = ['restarted', 'failed', 'stale'];
    const remounts = () =>
      reasons.map((reason) => w3.metric(`clusterplex_dfs_remounts_total{reason="${reason}"}`));
    await until('it is mounted anew', () => remounts().some((times) => times > 0), 60_000);
    await w3.shows(w1.address, 60_000);
    const ms = performance.now() - since;
    report({
      scenario: 'daemon restarted',
      what: 'right film on w3',
      ms,
      limitMs: 60_000,
      before: 'EIO until exportfs -f',
    });
    readsAll(w3);
    const read = await open.read();
    ok(read.said === 'film2' || /stale|input\/output/i.test(read.said), `what was open shows ${read.said}`);
  },

  async 'w2 serves, too: w1 is kept, and an alarm raised'({ films, w1, w2, w3 }) {
    await w2.mount(films, FILMS);
    await until('the alarm', () => w3.metric('clusterplex_dfs_split_brain') === 1, 60_000);
    strictEqual(w3.server, w1.address);
    readsAll(w3);
  },

  async 'w1 is lost: w2 is mounted in its place'({ w1, w2, w3 }) {
    const open = await OpenFilm.in(w3.inside, 'film2');
    w1.machine.lose();
    const since = performance.now();
    const reading = open.read();
    const ms = await w3.shows(w2.address, 60_000);
    report({
      scenario: 'w1 lost',
      what: 'w2 mounted and read',
      ms,
      limitMs: 40_000,
      before: '1.8 s by hand; 17-19 s by ClusterIP',
    });
    const read = await reading;
    const ended = performance.now() - since;
    report({
      scenario: 'w1 lost',
      what: `who read on from w1: ${read.said}`,
      ms: ended,
      limitMs: 60_000,
      before: '31 s, errno 110',
    });
    ok(!FILMS.some((film) => read.said.includes(film)), 'w1 was lost, and yet something was read');
    readsAll(w3);
  },

  async 'w1 comes back: w2 is kept'({ w1, w2, w3 }) {
    w1.machine.comeBack();
    const back = () => w3.metric('clusterplex_dfs_servers_ready') === 2;
    const ms = await until('w1 says that it serves', back, 60_000);
    report({ scenario: 'w1 back', what: 'seen by dfs-mount', ms, limitMs: 60_000, before: '-' });
    // Several looks of dfs-mount, each of which might change its mind.
    for (let look = 0; look < 6; look += 1) {
      await later(1_000);
      strictEqual(w3.server, w2.address);
      readsAll(w3);
    }
    w1.unmount();
    await until('the alarm ends', () => w3.metric('clusterplex_dfs_split_brain') === 0, 60_000);
  },

  async 'the daemon on w2 hangs behind its NFS server: w1 is mounted in its place'({ films, w1, w2, w3 }) {
    await w1.mount(films, BACKWARDS);
    await until('w1 serves', () => w3.metric('clusterplex_dfs_servers_ready') === 2, 60_000);
    w2.hang();
    const ms = await w3.shows(w1.address, 60_000);
    w2.goOn();
    report({
      scenario: 'daemon hangs',
      what: 'w1 mounted and read',
      ms,
      limitMs: 60_000,
      before: 'never by itself: 45 s without an error',
    });
    readsAll(w3);
  },
};

/** Every film is the one of its name. */
function readsAll(w3: GpuNode): void {
  deepStrictEqual(
    FILMS.map((film) => w3.reads(film)),
    [...FILMS],
  );
}
