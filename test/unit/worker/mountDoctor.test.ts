import { expect, test } from 'vitest';
import type { ContractMount } from '#shared/protocol/storage.ts';
import { isReadOnly, type Mounted, mountedAt, mountsIn } from '#shared/storage/mountTable.ts';
import type { Answer } from '#shared/storage/probe.ts';
import { nextProof, ProofSeries } from '#shared/storage/proofs.ts';
import { Crossing } from '../../../worker/storage/crossing.ts';
import { SameVolume } from '../../../worker/storage/sameVolume.ts';

const PMS = 'pms-00000000-0000-4000-8000-000000000000';
const OTHER_PMS = 'pms-11111111-0000-4000-8000-000000000000';
const OWN = 'worker-00000000-0000-4000-8000-000000000000';

const TABLE = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /data rw,relatime shared:2 - nfs4 nas:/data rw,vers=4.2,acdirmax=60
31 30 0:41 / /data/with\\040space ro,relatime - tmpfs none rw
32 22 0:42 / /data rw - fuse.mergerfs pool rw
`;

test("the kernel's table says what a directory is on: the deepest mount, and of several there the last", () => {
  const table = mountsIn(TABLE);
  expect(mountedAt(table, '/data/films')).toEqual({
    ...{
      at: '/data',
      type: 'fuse.mergerfs',
      source: 'pool',
      options: 'rw',
      device: '0:42',
      instance: '32 0:42',
    },
  });
  const space = mountedAt(table, '/data/with space');
  expect(space).toMatchObject({ at: '/data/with space', type: 'tmpfs', options: 'ro,relatime,rw' });
  expect(space && isReadOnly(space)).toBe(true);
  expect(mountedAt(table, '/database')).toMatchObject({ at: '/', type: 'ext4' });
  expect(mountedAt([], '/data')).toBeNull();
});

test('a series of proofs goes on every 20 s, and its last five stay', () => {
  const series = new ProofSeries(PMS);
  expect(series.current).toBeNull();
  const done: unknown[] = [];
  for (let now = 0; now < 140_000; now += 10_000) {
    const due = series.due(now);
    if (due.write === null) continue;
    done.push([now, due.write.split('.')[1], due.remove?.split('.')[1]]);
    series.wrote(now);
  }
  expect(done.slice(0, 2)).toEqual([
    [0, '1', undefined],
    [20_000, '2', undefined],
  ]);
  expect(done.at(-1)).toEqual([120_000, '7', '2']);
  expect(series.current).toBe(`${PMS}.7`);
  expect(nextProof(`${PMS}.7`)).toBe(`${PMS}.8`);
});

test('how long a crossing takes: the longest of the last three, or for how long one has been under way', () => {
  const crossing = new Crossing(PMS);
  expect(crossing.latencyMs(0)).toBeNull();
  crossing.left(`${PMS}.1`, 0);
  crossing.left(`${OTHER_PMS}.9`, 0);
  expect(crossing.waiting).toEqual([`${PMS}.1`]);
  expect(crossing.latencyMs(5_000)).toBeNull();
  expect(crossing.latencyMs(5_001)).toBe(5_001);
  crossing.arrived(`${PMS}.1`, 9_000);
  crossing.left(`${PMS}.1`, 9_000);
  expect(crossing.latencyMs(60_000)).toBe(9_000);
  for (const serial of [2, 3, 4]) {
    crossing.left(`${PMS}.${serial}`, serial * 20_000);
    crossing.arrived(`${PMS}.${serial}`, serial * 20_000 + serial);
  }
  expect(crossing.latencyMs(90_000)).toBe(4);
});

function shared(fields: Partial<ContractMount>): ContractMount {
  return {
    ...{
      path: '/transcode',
      mode: 'rw',
      purpose: 'transcode',
      proof: null,
      fingerprint: null,
      folders: null,
      seen: null,
    },
    ...fields,
  };
}

function answer(fields: Partial<Answer>): Answer {
  return {
    ...{ problem: null, absent: false, unwritable: false, place: '/', wrote: false, proofs: new Set() },
    ...{ found: [], entries: [] },
    ...fields,
  };
}

const here = (...serials: number[]) =>
  answer({ proofs: new Set(serials.map((serial) => `${PMS}.${serial}`)) });

function judged(same: SameVolume, answer: Answer, now: number, mounted: Mounted | null = null) {
  return same.judge({ path: '/t', answer, folders: null, mounted, now });
}

test('a proof that was never seen is another volume; one that is late is only late', () => {
  const same = new SameVolume(shared({ proof: `${PMS}.7` }), OWN, 0);
  expect(same.names).toEqual([`${PMS}.7`, `${PMS}.8`]);
  expect(judged(same, here(), 10)).toMatch(/^\/t is not the volume that PMS uses as \/transcode: /);
  expect(same.latencyMs(60_000)).toBeNull();
  expect(judged(same, here(7), 20)).toBeNull();
  same.told(shared({ proof: `${PMS}.8` }), 20_000);
  expect(same.names).toEqual([`${PMS}.7`, `${PMS}.8`, `${PMS}.9`]);
  expect(same.isWaiting).toBe(true);
  expect(judged(same, here(7), 30_000)).toBeNull();
  expect(same.latencyMs(30_000)).toBe(10_000);
  expect(judged(same, here(7, 8), 35_000)).toBeNull();
  expect(same.isWaiting).toBe(false);
  expect(same.latencyMs(36_000)).toBe(15_000);
  expect(judged(same, here(), 38_000)).toMatch(/is not the volume/);
});

test('of another PMS nothing proves this one, and its relay begins a series anew', () => {
  const same = new SameVolume(shared({ proof: `${PMS}.7` }), OWN, 0);
  const others = answer({ proofs: new Set([`${OTHER_PMS}.1`]) });
  expect(judged(same, others, 10)).not.toBeNull();
  same.told(shared({ proof: `${OTHER_PMS}.1` }), 20);
  expect(judged(same, others, 30)).toBeNull();
});

test('the way back is timed from what this worker wrote to what PMS says that it sees', () => {
  const same = new SameVolume(shared({ proof: `${PMS}.7` }), OWN, 0);
  judged(same, here(7), 10);
  same.wrote(`${OWN}.1`, 1_000);
  // Its relay says nothing.
  expect(same.latencyToPmsMs).toBeNull();
  same.told(shared({ proof: `${PMS}.8` }), 7_000);
  expect(same.latencyToPmsMs).toBe(6_000);
  expect(same.warnings('/t', 8_000)).toEqual(['/t: PMS has not seen yet what was written here 6 s ago']);
  same.told(shared({ proof: `${PMS}.8`, seen: `${OWN}.1` }), 9_000);
  expect(same.latencyToPmsMs).toBe(8_000);
  expect(same.warnings('/t', 9_000)).toEqual([
    expect.stringMatching(/^\/t: what is written here is seen by PMS only 8 s later, because .* at PMS with/),
  ]);
});

/** PMS renews its proof, which is seen here, and this worker its own, of which PMS sees what `seen` says. */
function goesOn(same: SameVolume, from: number, to: number, seen: (serial: number) => string | null) {
  let problem: string | null = null;
  for (let serial = from; serial <= to; serial += 1) {
    same.told(shared({ proof: `${PMS}.${serial}`, seen: seen(serial) }), serial * 20_000);
    same.wrote(`${OWN}.${serial}`, serial * 20_000);
    problem = judged(same, here(serial), serial * 20_000, OVERLAY);
  }
  return problem;
}

const OVERLAY = {
  at: '/t',
  type: 'overlay',
  source: 'none',
  options: 'rw',
  device: '0:1',
  instance: '1 0:1',
};
const never = (): null => null;

test('what never comes back is no cache: PMS does not see what is written here', () => {
  const same = new SameVolume(shared({ proof: `${PMS}.1` }), OWN, 0);
  expect(goesOn(same, 1, 7, never)).toBeNull();
  expect(goesOn(same, 8, 8, never)).toBe(
    `/t: what is written here never reaches PMS, though what PMS writes is seen here: PMS's relay sees none of ` +
      `/t/.clusterplex/${OWN}.* in /transcode; what is mounted at /t is overlay none; mount what PMS has, or correct ` +
      'MOUNTS or PATH_MAP',
  );
  expect(goesOn(same, 9, 9, () => `${OWN}.8`)).toBeNull();
  expect(goesOn(same, 10, 99, (serial) => `${OWN}.${serial - 1}`)).toBeNull();
  expect(goesOn(same, 100, 104, () => `${OWN}.98`)).toBeNull();
  expect(goesOn(same, 105, 106, () => `${OWN}.98`)).toMatch(/never reaches PMS/);
});

test('as long as its relay is away, PMS sees nothing, and that is no reason', () => {
  const same = new SameVolume(shared({ proof: `${PMS}.1` }), OWN, 20_000);
  goesOn(same, 1, 2, never);
  for (let serial = 3; serial <= 100; serial += 1) same.wrote(`${OWN}.${serial}`, serial * 20_000);
  expect(judged(same, here(2), 2_000_000)).toBeNull();
  expect(same.warnings('/t', 2_000_000)).toEqual([]);
});

test('where PMS can’t write, nothing shows that it is the same volume, and somebody has to know', () => {
  const same = new SameVolume(shared({ proof: null }), OWN, 0);
  expect(judged(same, here(), 10)).toBeNull();
  expect(same.warnings('/t', 10)).toEqual([
    expect.stringMatching(
      /^nothing shows that \/t is the volume .*: its relay can't write to \/transcode; see its log/,
    ),
  ]);
  const media = new SameVolume(shared({ mode: 'ro', purpose: 'media' }), OWN, 0);
  expect(media.warnings('/t', 10)).toEqual([]);
});
