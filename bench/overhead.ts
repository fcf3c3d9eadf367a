/** A real transcode through hook, relay, orchestrator and worker, in turns with the same transcoder started by PMS itself. */
import { join } from 'node:path';
import { StreamStage } from '../test/support/streamStage.ts';
import { summarise } from './percentiles.ts';
import { type Played, play } from './play.ts';
import type { Ratio, Result, Row } from './result.ts';

const SECONDS = 12;
const AT_ONCE = [1, 2, 4];
const PAIRS = 10;

export async function overhead(): Promise<Result> {
  const stage = await StreamStage.start({ seconds: SECONDS, slots: 8 });
  const direct = join(stage.directory, 'Plex Transcoder');
  const rows: Row[] = [];
  const ratios: Ratio[] = [];
  try {
    for (const executable of [direct, stage.hook]) await play(stage, { executable });
    for (const atOnce of AT_ONCE) {
      const pairs = Math.ceil(PAIRS / atOnce);
      const times = { direct: [] as Played[], ours: [] as Played[] };
      const some = (executable: string) =>
        Promise.all(Array.from({ length: atOnce }, () => play(stage, { executable })));
      for (let pair = 0; pair < pairs; pair += 1) {
        times.direct.push(...(await some(direct)));
        times.ours.push(...(await some(stage.hook)));
      }
      for (const what of ['wall', 'first'] as const) {
        const name = what === 'wall' ? 'start to end' : 'start to first segment';
        const of = (list: readonly Played[]) => summarise(list.map((time) => time[what]));
        const [alone, through] = [of(times.direct), of(times.ours)];
        rows.push({ name: `${name}, directly, ${atOnce} at once`, summary: alone });
        rows.push({ name: `${name}, through the cluster, ${atOnce} at once`, summary: through });
        ratios.push({
          name: `${name}, ${atOnce} at once, through the cluster to directly`,
          value: through.p50 / alone.p50,
          target: null,
        });
        ratios.push({
          name: `${name}, ${atOnce} at once, milliseconds more`,
          // Of pairs that ran one after the other: what slows the machine down for a while slows both.
          value: summarise(times.ours.map((time, index) => time[what] - (times.direct[index]?.[what] ?? 0)))
            .p50,
          target: { atMost: 50 + (what === 'wall' ? alone.p50 / 100 : 0) },
        });
      }
    }
  } finally {
    await stage.stop();
  }
  return { name: 'overhead', unit: 'ms', rows, ratios };
}
