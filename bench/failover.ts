/** What a viewer waits for when a worker or the orchestrator is killed in the middle of a film, and what is lost of it. */
import { DASH_STREAM } from '../test/support/streamKinds.ts';
import { StreamStage } from '../test/support/streamStage.ts';
import { summarise } from './percentiles.ts';
import type { Result } from './result.ts';

const SECONDS = 20;
const ROUNDS = 8;
/** Segments that PMS has when it happens. */
const BEFORE = 3;

export async function failover(): Promise<Result> {
  const stage = await StreamStage.start({ seconds: SECONDS });
  const fresh: number[] = [];
  const afterWorker: number[] = [];
  const undisturbed: number[] = [];
  const afterOrchestrator: number[] = [];
  let lost = 0;
  /** Whoever was killed. */
  let back: Promise<unknown> = Promise.resolve();
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      afterWorker.push(
        await interrupted(stage, fresh, async (worker) => {
          await stage.cluster.workers.get(worker)?.stop('SIGKILL');
          back = stage.cluster.startWorker(worker);
        }),
      );
      undisturbed.push(await interrupted(stage, fresh, () => Promise.resolve()));
      afterOrchestrator.push(
        await interrupted(stage, fresh, async () => {
          await stage.cluster.orchestrator.stop('SIGKILL');
          back = stage.cluster.startOrchestrator();
        }),
      );
    }
  } finally {
    await stage.stop();
  }
  const rows = [
    { name: 'fresh start → first segment', summary: summarise(fresh) },
    { name: 'worker killed → next segment', summary: summarise(afterWorker) },
    { name: 'nothing happens → next segment', summary: summarise(undisturbed) },
    { name: 'orchestrator killed → next segment', summary: summarise(afterOrchestrator) },
  ];
  const p50 = (times: readonly number[]): number => summarise(times).p50;
  return {
    ...{ name: 'failover', unit: 'ms', rows },
    ratios: [
      {
        name: 'worker killed: milliseconds more than a fresh start',
        value: p50(afterWorker) - p50(fresh),
        target: { atMost: 3_000 },
      },
      {
        name: 'orchestrator killed: milliseconds more than when nothing happens',
        value: p50(afterOrchestrator) - p50(undisturbed),
        target: null,
      },
      { name: 'films that were not whole', value: lost, target: { atMost: 0 } },
    ],
  };

  /** One film, in whose middle something happens: how long until PMS is told of the next segment. */
  async function interrupted(
    on: StreamStage,
    starts: number[],
    strike: (worker: string) => Promise<void>,
  ): Promise<number> {
    const startedAt = performance.now();
    const stream = await on.play(DASH_STREAM);
    await stream.announced(1);
    starts.push(performance.now() - startedAt);
    await stream.announced(BEFORE);
    const { worker } = await stream.running();
    const { length } = stream.seen.documents;
    const struckAt = performance.now();
    await strike(worker);
    await stream.announced(length + 1);
    const waited = performance.now() - struckAt;
    const { code } = await stream.exited;
    const problems = await stream.problems(on.seconds);
    if (code !== 0 || problems.length > 0) {
      lost += 1;
      process.stderr.write(`${code} ${problems.join('; ')}\n`);
    }
    await stream.remove();
    await back;
    return waited;
  }
}
