import { setTimeout as after } from 'node:timers/promises';
import type { Random } from '../../simulation/random.ts';
import { type Host, Network } from '../network.ts';
import { allEnded } from '../processes.ts';
import type { Stream } from '../stream.ts';
import { STREAM_KINDS } from '../streamKinds.ts';
import { StreamStage } from '../streamStage.ts';
import { processesOfAttempt } from '../workerProcesses.ts';
import { type Lane, type Round, within } from './rounds.ts';

const SECONDS = 20;
const HOOK_LIMIT_MS = 90_000;

/** What happens to the worker that runs the stream. */
interface Fault {
  readonly name: string;
  /** Within which the next attempt has to be spawned. */
  readonly limitMs: number;
  strike(worker: string): void;
  /** The worker can be used again. */
  recover(worker: string): Promise<void>;
}

/** A worker is killed at a random moment of a stream. */
export async function workerKilledLane(): Promise<Lane> {
  const stage = await StreamStage.start({ seconds: SECONDS });
  const { cluster } = stage;
  const fault: Fault = {
    name: 'killed',
    limitMs: 3_000,
    strike: (worker) => void cluster.workers.get(worker)?.child.kill('SIGKILL'),
    recover: async (worker) => void (await cluster.startWorker(worker)),
  };
  return {
    play: (number, random) => playStream(stage, fault, number, random),
    stop: () => stage.stop(),
  };
}

/** A worker is cut off at a random moment of a stream: both ways and either way in turn. */
export async function workerPartitionedLane(): Promise<Lane> {
  const network = Network.create();
  const hosts = new Map([['relay', network.home]]);
  for (const part of ['orchestrator', 'w1', 'w2']) hosts.set(part, network.host());
  const stage = await StreamStage.start({
    seconds: SECONDS,
    token: 'the-token-of-these-rounds',
    hostOf: (part) => hosts.get(part),
  });
  const { orchestrator } = stage.cluster;
  const faultOf = (name: string, cutOff: (host: Host) => void, limitMs = 15_000): Fault => {
    let connected = 0;
    return {
      name,
      limitMs,
      strike: (worker) => {
        connected = orchestrator.lines('worker connected', { worker }).length;
        cutOff(hosts.get(worker) ?? network.home);
      },
      recover: async (worker) => {
        network.heal();
        await orchestrator.logged('worker connected', { worker }, connected + 1);
      },
    };
  };
  const faults = [
    faultOf('cut off', (host) => network.cut(host)),
    faultOf('mute', (host) => network.mute(host)),
    // What it sends is heard until it gives up the connection on which it hears nothing, after 10 s; then it is silent.
    faultOf('deaf', (host) => network.deafen(host), 25_000),
  ];
  return {
    play: (number, random) => {
      const fault = faults[Math.floor(number / STREAM_KINDS.length) % faults.length];
      if (!fault) throw new Error('no fault');
      return playStream(stage, fault, number, random);
    },
    stop: async () => {
      await stage.stop();
      network.remove();
    },
  };
}

async function playStream(stage: StreamStage, fault: Fault, number: number, random: Random): Promise<Round> {
  const { cluster, pms } = stage;
  const kind = STREAM_KINDS[number % STREAM_KINDS.length];
  if (!kind) throw new Error('no kind');
  const what = `${kind.name} ${fault.name}`;
  const stream = await stage.play(kind);
  try {
    const at = random.integer(0, 12);
    await Promise.race([stream.announced(at), stream.exited]);
    // So that it is still in the middle when it is struck.
    pms.throttle = true;
    await after(random.integer(0, 400));
    await Promise.race([
      cluster.orchestrator.logged('job started', { session: stream.session }),
      stream.exited,
    ]);
    const { worker, jobId } = await stream.running();
    const lost = cluster.workers.get(worker);
    // Over before it could be struck.
    if (!lost) return { what: `${kind.name} over`, ms: null, misses: await problems(stage, stream) };
    return { what, ...(await strike(stage, fault, { stream, worker, jobId })) };
  } finally {
    pms.throttle = false;
    await stream.remove();
  }
}

interface Struck {
  readonly stream: Stream;
  readonly worker: string;
  readonly jobId: string;
}

async function strike(stage: StreamStage, fault: Fault, { stream, worker, jobId }: Struck) {
  const { cluster, pms } = stage;
  const misses: string[] = [];
  const first = processesOfAttempt(jobId, 1);
  const next = cluster.workers.get(worker === 'w1' ? 'w2' : 'w1');
  const struckAt = performance.now();
  fault.strike(worker);
  const spawned = next?.logged('transcoder started', { jobId, attempt: 2 });
  await within(HOOK_LIMIT_MS, Promise.race([spawned, stream.exited]));
  const ms = performance.now() - struckAt;
  const wasSpawned = (next?.lines('transcoder started', { jobId }).length ?? 0) > 0;
  if (wasSpawned) {
    if (ms > fault.limitMs) misses.push(`the next attempt began after ${ms.toFixed(0)} ms`);
    if (
      (await within(
        2_000,
        allEnded(first).then(() => true),
      )) === null
    )
      misses.push('the first attempt goes on beside the second');
  }
  pms.throttle = false;
  await fault.recover(worker);
  misses.push(...(await problems(stage, stream)));
  if (misses.length > 0) misses.push(await stream.story());
  return { ms: wasSpawned ? ms : null, misses };
}

/** Of a stream that should be whole. */
async function problems({ seconds }: StreamStage, stream: Stream): Promise<string[]> {
  const exit = await within(HOOK_LIMIT_MS, stream.exited);
  if (exit === null) return ['its hook hangs'];
  const how = exit.code === 0 ? [] : [`its hook ended with ${exit.code ?? exit.signal}`];
  return [...how, ...(await stream.problems(seconds))];
}
