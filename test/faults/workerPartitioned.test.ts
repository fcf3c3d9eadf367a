import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Host, Network } from '../support/network.ts';
import { allEnded } from '../support/processes.ts';
import { DASH_STREAM } from '../support/streamKinds.ts';
import { StreamStage } from '../support/streamStage.ts';
import { processesOfAttempt } from '../support/workerProcesses.ts';

const obstacle = Network.obstacle();
if (obstacle !== null) process.stderr.write(`NOT TESTED, a partition: ${obstacle}\n`);

describe.runIf(obstacle === null)('a worker is cut off without a sign', () => {
  const hosts = new Map<string, Host>();
  let network: Network;
  let stage: StreamStage;

  beforeAll(async () => {
    network = Network.create();
    hosts.set('relay', network.home);
    for (const part of ['orchestrator', 'w1', 'w2']) hosts.set(part, network.host());
    stage = await StreamStage.start({
      seconds: 12,
      token: 'the-token-of-this-test',
      hostOf: (part) => hosts.get(part),
    });
  }, 120_000);

  afterEach(() => network.heal());

  afterAll(async () => {
    await stage.stop();
    network.remove();
  });

  test.each([
    ['both ways', (host: Host) => network.cut(host), 15_000],
    ['it hears everybody, and nobody hears it', (host: Host) => network.mute(host), 15_000],
    // It is heard until it gives up the connection on which it hears nothing.
    ['it hears nobody, and everybody hears it', (host: Host) => network.deafen(host), 25_000],
  ])(
    '%s: another goes on, it ends its own attempt, and serves again afterwards',
    async (_which, cutOff, limitMs) => {
      const { cluster, pms } = stage;
      const stream = await stage.play(DASH_STREAM);
      await stream.announced(3);
      // So that it is still in the middle when it is cut off.
      pms.throttle = true;
      const { worker, jobId } = await stream.running();
      const other = worker === 'w1' ? 'w2' : 'w1';
      const [lost, next] = [cluster.workers.get(worker), cluster.workers.get(other)];
      const connected = cluster.orchestrator.lines('worker connected', { worker }).length;
      const first = processesOfAttempt(jobId, 1);
      expect(first.length).toBeGreaterThan(1);

      const cutAt = performance.now();
      cutOff(hosts.get(worker) ?? network.home);
      await next?.logged('transcoder started', { jobId, attempt: 2 });
      const supersededAt = performance.now();
      expect(supersededAt - cutAt).toBeLessThan(limitMs);
      await allEnded(first);
      expect(performance.now() - supersededAt).toBeLessThan(2_000);
      await lost?.logged('attempt ended', { jobId, message: 'another attempt owns the job' });

      pms.throttle = false;
      expect(await stream.exited).toEqual({ code: 0, signal: null });
      expect(await stream.problems(stage.seconds)).toEqual([]);
      expect(await stream.story()).toMatch(/goes on at segment [1-9]/);

      network.heal();
      await cluster.orchestrator.logged('worker connected', { worker }, connected + 1);
      expect(await cluster.api(`/api/v1/workers/${worker}`)).toMatchObject({ running: 0, jobs: [] });
      // It was given a job longer ago than the other.
      const again = await stage.play(DASH_STREAM);
      await again.announced(1);
      await cluster.orchestrator.logged('job started', { worker, jobId: (await again.running()).jobId });
      await again.remove();
      expect(lost?.lines('transcoder started', { jobId })).toHaveLength(1);
    },
    60_000,
  );
});
