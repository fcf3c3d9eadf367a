import { deepStrictEqual, match, strictEqual } from 'node:assert';
import { Playback } from './playback.ts';
import { FILM_SECONDS } from './programs.ts';
import { report, within } from './report.ts';
import type { Scenario, Stage } from './scenarios.ts';

const START_MS = 120_000;
const FAILOVER_MS = 90_000;
const WHOLE_MS = 180_000;

/** What a viewer has of it: from the hook that PMS starts to the last segment. */
export const film: Readonly<Record<string, Scenario>> = {
  async 'w1 is lost in the middle of a film: another attempt goes on with it from w2'(stage) {
    const started = performance.now();
    const playback = await within('the parts start', Playback.start(stage.w3), START_MS);
    report({
      ...{ scenario: 'film', what: 'orchestrator, relay and worker started' },
      ...{ ms: performance.now() - started, limitMs: START_MS, before: '-' },
    });
    try {
      await loseInTheMiddle(playback, stage);
    } catch (error) {
      console.log(playback.cluster.logs());
      throw error;
    } finally {
      stage.w1.machine.comeBack();
      await playback.stop();
    }
  },
};

async function loseInTheMiddle(playback: Playback, { w1, w2, w3 }: Stage): Promise<void> {
  const { orchestrator } = playback.cluster;
  strictEqual(w3.server, w1.address);
  const stream = await playback.play();
  await within('PMS is told of segments', stream.announced(2), WHOLE_MS);
  const { jobId } = await stream.running();
  const mounted = w3.mount.lines('mounted').length;
  w1.machine.lose();
  const since = performance.now();
  const tell = (what: string, limitMs: number): void => {
    report({ scenario: 'film', what, ms: performance.now() - since, limitMs, before: '-' });
  };
  await within('w2 is mounted', w3.mount.logged('mounted', {}, mounted + 1), FAILOVER_MS);
  tell('w1 lost → w2 mounted', FAILOVER_MS);
  strictEqual(w3.server, w2.address);
  await within('it is tried again', orchestrator.logged('job started', { jobId, attempt: 2 }), FAILOVER_MS);
  tell('w1 lost → another attempt runs', FAILOVER_MS);
  const told = stream.seen.documents.length;
  await within('PMS is told of more', stream.announced(told + 1), WHOLE_MS);
  tell('w1 lost → a new segment', WHOLE_MS);
  const exit = await within('the film ends', stream.exited, WHOLE_MS);
  tell('w1 lost → the film is whole', WHOLE_MS);
  deepStrictEqual(exit, { code: 0, signal: null });
  match(await stream.story(), /goes on at segment [1-9]/);
  deepStrictEqual(await stream.problems(FILM_SECONDS), []);
}
