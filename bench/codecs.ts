/**
 * How long a clean volume takes to fill from a server of which every fifth answer is a bad one, one codec after the
 * other as ClusterPlex does it, and several at once.
 */
import { Random } from '../test/simulation/random.ts';
import { type Fault, serveCodecs } from '../test/support/codecServer.ts';
import { CodecVolume } from '../test/support/codecVolume.ts';
import { LIMITS } from '../worker/codecs/filling.ts';
import { CODEC_NAMES } from '../worker/codecs/names.ts';
import { summarise } from './percentiles.ts';
import type { Result } from './result.ts';

const RUNS = 3;
/** To a server on the same continent, and for the time that it takes to answer. */
const LATENCY_MS = 20;
const SEED = 4;
const FAULTS: readonly Fault[] = ['absent', 'reset', 'truncated', 'slow'];

/** The same for the same question, whenever it comes: so both ways meet the same faults. */
function fault(codec: string, time: number): Fault | null {
  const random = new Random(SEED + CODEC_NAMES.indexOf(codec) * 1_000 + time);
  return random.chance(0.2) ? random.pick(FAULTS) : null;
}

export async function codecs(): Promise<Result> {
  const fill = async (atOnce: number): Promise<number> => {
    const server = await serveCodecs({ latencyMs: LATENCY_MS, fault });
    const volume = new CodecVolume();
    const startedAt = performance.now();
    const last = (await volume.fill(server.url, { limits: { ...LIMITS, atOnce } })).at(-1);
    const ms = performance.now() - startedAt;
    const { wrong } = volume;
    volume.remove();
    await server.close();
    if (!last?.usable || last.missing.length > 0 || wrong.length > 0)
      throw new Error('the set is not complete');
    return ms;
  };
  const sequential: number[] = [];
  const parallel: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    parallel.push(await fill(LIMITS.atOnce));
    sequential.push(await fill(1));
  }
  return {
    ...{ name: 'codecs', unit: 'ms' },
    rows: [
      { name: '309 codecs, one after the other', summary: summarise(sequential) },
      { name: `309 codecs, ${LIMITS.atOnce} at once`, summary: summarise(parallel) },
    ],
    ratios: [
      {
        name: 'several at once to one after the other',
        value: summarise(parallel).p50 / summarise(sequential).p50,
        target: null,
      },
    ],
  };
}
