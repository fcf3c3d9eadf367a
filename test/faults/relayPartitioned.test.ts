import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Network } from '../support/network.ts';
import { isRunning } from '../support/processes.ts';
import type { Stream } from '../support/stream.ts';
import { DASH_STREAM } from '../support/streamKinds.ts';
import { StreamStage } from '../support/streamStage.ts';
import { processesOfAttempt } from '../support/workerProcesses.ts';

const obstacle = Network.obstacle();
if (obstacle !== null) process.stderr.write(`NOT TESTED, a partition: ${obstacle}\n`);

describe.runIf(obstacle === null)('the relay’s host loses the orchestrator without a sign', () => {
  let network: Network;
  let cutOff: { both(): void; relayMute(): void; relayDeaf(): void };
  let stage: StreamStage;

  beforeAll(async () => {
    network = Network.create();
    const [orchestrator, worker] = [network.host(), network.host()];
    const relayMute = () => network.lose(network.home, orchestrator);
    const relayDeaf = () => network.lose(orchestrator, network.home);
    const both = () => {
      relayMute();
      relayDeaf();
    };
    cutOff = { both, relayMute, relayDeaf };
    stage = await StreamStage.start({
      seconds: 20,
      token: 'the-token-of-this-test',
      workers: ['w1'],
      hostOf: (part) => ({ orchestrator, w1: worker })[part] ?? network.home,
      env: { WORKER_SILENCE_MS: '3000' },
    });
  }, 120_000);

  afterEach(() => {
    network.heal();
    stage.pms.throttle = false;
  });

  afterAll(async () => {
    await stage.stop();
    network.remove();
  });

  /** Cut off until both sides know it. */
  async function partition(how: keyof typeof cutOff): Promise<void> {
    const { orchestrator, relay } = stage.cluster;
    const known = [
      orchestrator.lines('relay disconnected').length + 1,
      relay.lines('not connected to the orchestrator').length + 1,
    ];
    cutOff[how]();
    await orchestrator.logged('relay disconnected', {}, known[0]);
    await relay.logged('not connected to the orchestrator', {}, known[1]);
  }

  async function endsWell(stream: Stream, jobId: string): Promise<void> {
    expect(await stream.exited).toEqual({ code: 0, signal: null });
    expect(await stream.problems(stage.seconds)).toEqual([]);
    expect(stage.cluster.workers.get('w1')?.lines('transcoder started', { jobId })).toHaveLength(1);
  }

  test.each(['both', 'relayMute', 'relayDeaf'] as const)(
    '%s: the transcode goes on, and its hook gets its code',
    async (how) => {
      const stream = await stage.play(DASH_STREAM);
      await stream.announced(3);
      stage.pms.throttle = true;
      const { jobId } = await stream.running();
      const first = processesOfAttempt(jobId, 1);
      await partition(how);
      // Its callbacks take another way.
      await stage.pms.next(({ query }) => query.has('progress'));
      const connected = stage.cluster.orchestrator.lines('relay connected').length;
      network.heal();
      await stage.cluster.orchestrator.logged('relay connected', {}, connected + 1);
      expect(first.filter(isRunning)).toEqual(first);
      stage.pms.throttle = false;
      await endsWell(stream, jobId);
    },
    60_000,
  );

  test('a transcode that ends meanwhile is not run again, and its hook gets its code', async () => {
    const stream = await stage.play(DASH_STREAM);
    await stream.announced(3);
    stage.pms.throttle = true;
    const { jobId } = await stream.running();
    await partition('both');
    stage.pms.throttle = false;
    await stage.cluster.workers.get('w1')?.logged('attempt ended', { jobId });
    network.heal();
    await endsWell(stream, jobId);
  }, 120_000);
});
