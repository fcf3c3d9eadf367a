/**
 * Time to the first segment from a source that takes its time for each read, as a file server does: with the transcoder in
 * the page cache, as a worker's prewarming leaves it, and without.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FuseMount } from '../test/support/fuseMount.ts';
import { StreamStage } from '../test/support/streamStage.ts';
import { summarise } from './percentiles.ts';
import { play } from './play.ts';
import type { Result, Row } from './result.ts';

const SECONDS = 20;
const DELAYS_MS = [0, 1, 10, 50];
const ROUNDS = 5;

export async function storage(): Promise<Result> {
  const obstacle = await FuseMount.obstacle();
  if (obstacle !== null) throw new Error(`no slow file system can be made here: ${obstacle}`);
  const stage = await StreamStage.start({ seconds: SECONDS });
  const rows: Row[] = [];
  const warm: [number, number][] = [];
  const cold: [number, number][] = [];
  try {
    const directory = join(stage.directory, 'slow');
    mkdirSync(directory);
    for (const delay of DELAYS_MS) {
      const mount = await FuseMount.slow(directory, join(stage.media, 'film.mkv'), 'film.mkv', delay);
      try {
        const input = join(directory, 'film.mkv');
        await play(stage, { input });
        for (const isWarm of [true, false]) {
          const times: number[] = [];
          for (let round = 0; round < ROUNDS; round += 1) {
            if (!isWarm) forgetFiles();
            times.push((await play(stage, { input })).first);
          }
          const summary = summarise(times);
          const name = `first segment, ${delay} ms a read, ${isWarm ? 'prewarmed' : 'nothing in the page cache'}`;
          rows.push({ name, summary });
          (isWarm ? warm : cold).push([delay, summary.p50]);
        }
      } finally {
        mount.remove();
      }
    }
  } finally {
    await stage.stop();
  }
  const at = (points: readonly (readonly [number, number])[], delay: number): number =>
    points.find(([ms]) => ms === delay)?.[1] ?? Number.NaN;
  return {
    ...{ name: 'storage', unit: 'ms', rows },
    ratios: DELAYS_MS.flatMap((delay) => [
      {
        name: `${delay} ms a read to none, prewarmed`,
        value: at(warm, delay) / at(warm, 0),
        target: null,
      },
      {
        name: `${delay} ms a read: prewarmed to not`,
        value: at(warm, delay) / at(cold, delay),
        target: null,
      },
    ]),
    plots: [
      {
        ...{ title: 'First segment from a slow source', x: 'ms a read', y: 'ms' },
        series: [
          { name: 'prewarmed', points: warm },
          { name: 'cold', points: cold },
        ],
      },
    ],
  };
}

/** What is not in use leaves the page cache. Takes root, as mounting does. */
function forgetFiles(): void {
  writeFileSync('/proc/sys/vm/drop_caches', '3');
}
