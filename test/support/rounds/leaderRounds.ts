import { isRunning } from '../processes.ts';
import { Replicas } from '../replicas.ts';
import { DASH_STREAM, HLS_STREAM } from '../streamKinds.ts';
import { StreamStage } from '../streamStage.ts';
import { areRunning, HOOK_LIMIT_MS, type Job, pidsOf, problemsOf, ranMoreThanOnce, start } from './jobs.ts';
import { type Lane, type Round, within } from './rounds.ts';

const SECONDS = 8;
/** Until another leads, after a release; and after a crash beyond the time of the Lease. */
const [ROLLING_MS, CRASH_MS] = [3_000, 2_000];

/** A leader that gets SIGSTOP goes on once another one leads. */
type Signal = 'SIGKILL' | 'SIGTERM' | 'SIGSTOP';

const EXIT_CODES = { SIGKILL: null, SIGTERM: 0, SIGSTOP: 75 };

export interface LeaderStoppedOptions {
  /** Settings of the election. */
  readonly lease: Readonly<Record<string, string>>;
  /** What the leaders of one round get, one after another. */
  readonly signals: (number: number) => readonly Signal[];
}

/** The leading one of two orchestrators is killed amid transcodes, or told to stop; another follows it into its pod. */
export async function leaderStoppedLane({ lease, signals }: LeaderStoppedOptions): Promise<Lane> {
  const replicas = await Replicas.start({ ...lease, STALL_MS: '600000' });
  const stage = await StreamStage.start({ seconds: SECONDS, slots: 8, replicas });
  const leaseMs = Number(lease['LEASE_DURATION_MS'] ?? 15_000);
  return {
    play: (number) => playRound({ stage, replicas, leaseMs }, signals(number)),
    async stop() {
      await stage.stop();
      await replicas.stop();
    },
  };
}

interface Scene {
  readonly stage: StreamStage;
  readonly replicas: Replicas;
  readonly leaseMs: number;
}

async function playRound(scene: Scene, signals: readonly Signal[]): Promise<Round> {
  const { stage } = scene;
  const { cluster, pms } = stage;
  const misses: string[] = [];
  pms.throttle = true;
  const streams = [await stage.play(DASH_STREAM), await stage.play(HLS_STREAM)];
  const goesOn = [start(stage, 'goes on', true), start(stage, 'goes on', true)];
  await Promise.all(goesOn.map(({ hook }) => hook.spoke));
  await Promise.all(streams.map(({ session }) => cluster.orchestrator.logged('job started', { session })));
  const running = await Promise.all(streams.map((stream) => stream.running()));
  const pids = await pidsOf(stage, goesOn);
  const others: Job[] = [];
  const times: string[] = [];
  let longest = 0;
  for (const signal of signals) {
    const endsMeanwhile = start(stage, 'ended meanwhile', true);
    await endsMeanwhile.hook.spoke;
    others.push(endsMeanwhile);
    const { backMs, adoptedMs, problems } = await stopLeader(scene, signal, endsMeanwhile, 2 + goesOn.length);
    misses.push(...problems);
    longest = Math.max(longest, backMs);
    times.push(
      `${signal}: leader after ${backMs.toFixed(0)} ms, all adopted after ${adoptedMs.toFixed(0)} ms`,
    );
  }

  const gone = pids.filter((pid) => !isRunning(pid));
  if (gone.length > 0) misses.push(`transcoders ended: ${gone.join(', ')}`);
  for (const { hook } of goesOn) process.kill(hook.pid, 'SIGTERM');
  pms.throttle = false;
  const all = [...goesOn, ...others, start(stage, 'given afterwards', false)];
  misses.push(...(await Promise.all(all.map(problemsOf))).flat());
  misses.push(...(await ranMoreThanOnce(stage, all)));
  for (const [index, stream] of streams.entries()) {
    const ended = await within(HOOK_LIMIT_MS, stream.exited);
    if (ended?.code !== 0) misses.push(`a stream’s hook: ${JSON.stringify(ended)}`);
    const starts = [...cluster.workers.values()].flatMap((worker) =>
      worker.lines('transcoder started', { jobId: running[index]?.jobId }),
    );
    if (starts.length !== 1) misses.push(`a stream had ${starts.length} transcoders`);
    misses.push(...(await stream.problems(SECONDS)));
    if (misses.length > 0) misses.push(await stream.story());
    await stream.remove();
  }
  return { what: signals.join(', '), ms: longest, misses, note: times.join('; ') };
}

/** @param running how many jobs the next leader has to find */
async function stopLeader({ stage, replicas, leaseMs }: Scene, signal: Signal, ends: Job, running: number) {
  const { kubernetes } = replicas;
  const problems: string[] = [];
  const [name, term] = [kubernetes.holder ?? '', Number(kubernetes.lease?.['leaseTransitions'])];
  const pids = await pidsOf(stage, [ends]);
  const since = performance.now();
  const part = replicas.leader;
  part.child.kill(signal);
  const back = kubernetes
    .until(() => ![null, name].includes(kubernetes.holder))
    .then(() => performance.now());
  if (signal === 'SIGSTOP') void back.then(() => part.child.kill('SIGCONT'));
  const { code } = await part.exited;
  for (const pid of pids) process.kill(pid, 'SIGTERM');
  const backMs = (await back) - since;
  await kubernetes.until(() => kubernetes.leaders.join() === kubernetes.holder);
  if (!(await areRunning(stage, running))) problems.push('not all were adopted within 10 s');
  const adoptedMs = performance.now() - since;
  if (backMs > (signal === 'SIGTERM' ? ROLLING_MS : leaseMs + CRASH_MS))
    problems.push(`after ${signal} a leader was there after ${backMs.toFixed(0)} ms`);
  if (code !== EXIT_CODES[signal]) problems.push(`after ${signal} it exited with ${code}`);
  if (kubernetes.lease?.['leaseTransitions'] !== term + 1) problems.push('the term is not the next one');
  await replicas.startPod(name);
  return { backMs, adoptedMs, problems };
}
