import { deepStrictEqual, match } from 'node:assert';
import { Playback } from './playback.ts';
import { FILM_SECONDS } from './programs.ts';
import { report, within } from './report.ts';
import type { Scenario, Stage } from './scenarios.ts';

const START_MS = 180_000;
const FAILOVER_MS = 90_000;
const WHOLE_MS = 240_000;

/** What a viewer has of it: from the hook that PMS starts to the last segment. */
export const film: Readonly<Record<string, Scenario>> = {
  async 'a server is lost in the middle of a film: another attempt goes on with it from the other'(stage) {
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
      for (const { machine } of [stage.w1, stage.w2]) machine.comeBack();
      await playback.stop();
    }
  },
};

async function loseInTheMiddle(playback: Playback, { w1, w2, w3 }: Stage): Promise<void> {
  const { orchestrator } = playback.cluster;
  const stream = await playback.play();
  await within('PMS is told of segments', stream.announced(2), WHOLE_MS);
  const { jobId } = await stream.running();
  // To be busy with a film may be silence enough for dfs-mount to have gone to w2 already.
  const [lost, other] = w3.server === w1.address ? [w1, w2] : [w2, w1];
  const moves = w3.mount.lines('mounted', { server: other.address }).length;
  const starts = orchestrator.lines('job started', { jobId }).length;
  lost.machine.lose();
  const since = performance.now();
  const tell = (what: string, limitMs: number): void => {
    report({ scenario: 'film', what, ms: performance.now() - since, limitMs, before: '-' });
  };
  const { mount } = w3;
  const moved = mount.logged('mounted', { server: other.address }, moves + 1);
  await within('the other server is mounted', moved, FAILOVER_MS);
  tell('server lost → the other mounted', FAILOVER_MS);
  const goesOn = orchestrator.logged('job started', { jobId }, starts + 1);
  await within('it is tried again', goesOn, FAILOVER_MS);
  tell('server lost → another attempt runs', FAILOVER_MS);
  const told = stream.seen.documents.length;
  await within('PMS is told of more', stream.announced(told + 1), WHOLE_MS);
  tell('server lost → the next segment', WHOLE_MS);
  const exit = await within('the film ends', stream.exited, WHOLE_MS);
  tell('server lost → the end of the film', WHOLE_MS);
  deepStrictEqual(exit, { code: 0, signal: null });
  match(await stream.story(), /goes on at segment [1-9]/);
  deepStrictEqual(await stream.problems(FILM_SECONDS), []);
}
