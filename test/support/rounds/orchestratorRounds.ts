import { setTimeout as after } from 'node:timers/promises';
import type { Random } from '../../simulation/random.ts';
import type { RunningHook } from '../cluster.ts';
import { isRunning } from '../processes.ts';
import { behaviour } from '../recordingTranscoder.ts';
import { DASH_STREAM } from '../streamKinds.ts';
import { StreamStage } from '../streamStage.ts';
import { type Lane, type Round, within } from './rounds.ts';

const SECONDS = 8;
const AWAY_MS = [200, 2_000, 20_000];
const HOOK_LIMIT_MS = 60_000;
const LOCAL_LIMIT_MS = 1_500;

interface Job {
  readonly what: string;
  readonly code: number;
  /** Tells its runs from those of others. */
  readonly tag: string;
  readonly hook: RunningHook;
}

let lanes = 0;
let jobs = 0;

/** The orchestrator is killed amid transcodes and short jobs, and comes back after a while. */
export async function orchestratorKilledLane(): Promise<Lane> {
  lanes += 1;
  const stage = await StreamStage.start({
    seconds: SECONDS,
    slots: 8,
    // Below those that the system gives to connections: who dials one of those, while nobody listens, may get itself.
    port: 20_000 + ((process.pid * 16 + lanes) % 10_000),
  });
  return { play: (number, random) => playRound(stage, number, random), stop: () => stage.stop() };
}

async function playRound(stage: StreamStage, number: number, random: Random): Promise<Round> {
  const { cluster, pms } = stage;
  const awayMs = AWAY_MS[number % AWAY_MS.length] ?? 0;
  const misses: string[] = [];
  pms.throttle = true;
  const stream = await stage.play(DASH_STREAM);
  const goesOn = [start(stage, 'goes on', true), start(stage, 'goes on', true)];
  const endsMeanwhile = [start(stage, 'ended meanwhile', true), start(stage, 'ended meanwhile', true)];
  await Promise.all([...goesOn, ...endsMeanwhile].map(({ hook }) => hook.spoke));
  await cluster.orchestrator.logged('job started', { session: stream.session });
  const { jobId } = await stream.running();
  const pids = await pidsOf(stage, goesOn);
  const short = Array.from({ length: 4 }, () => start(stage, 'short', false));
  await after(random.integer(0, 300));

  await cluster.orchestrator.stop('SIGKILL');
  const awaySince = performance.now();
  const given = start(stage, 'given meanwhile', false);
  const local = given.hook.spoke.then(() => performance.now() - awaySince);
  await after(random.next() * Math.min(awayMs, 2_000));
  for (const pid of await pidsOf(stage, endsMeanwhile)) process.kill(pid, 'SIGTERM');
  await after(Math.max(0, awayMs - (performance.now() - awaySince)));
  const startedLocally = awayMs < LOCAL_LIMIT_MS ? null : await within(0, local);
  if (awayMs >= LOCAL_LIMIT_MS && (startedLocally ?? Number.POSITIVE_INFINITY) > LOCAL_LIMIT_MS)
    misses.push(
      `a job given meanwhile started after ${startedLocally?.toFixed(0) ?? `more than ${awayMs}`} ms`,
    );

  await cluster.startOrchestrator();
  if (!(await areRunning(stage, 1 + goesOn.length))) misses.push('not all were adopted within 10 s');
  const gone = pids.filter((pid) => !isRunning(pid));
  if (gone.length > 0) misses.push(`transcoders ended: ${gone.join(', ')}`);
  for (const { hook } of goesOn) process.kill(hook.pid, 'SIGTERM');
  pms.throttle = false;
  const all = [...goesOn, ...endsMeanwhile, ...short, given];
  misses.push(...(await Promise.all(all.map(problemsOf))).flat());
  misses.push(...(await ranMoreThanOnce(stage, [...goesOn, ...endsMeanwhile])));

  const exit = await within(HOOK_LIMIT_MS, stream.exited);
  if (exit?.code !== 0) misses.push(`the stream’s hook: ${JSON.stringify(exit)}`);
  const starts = [...cluster.workers.values()].flatMap((worker) =>
    worker.lines('transcoder started', { jobId }),
  );
  if (starts.length !== 1) misses.push(`the stream had ${starts.length} transcoders`);
  misses.push(...(await stream.problems(SECONDS)));
  if (misses.length > 0) misses.push(await stream.story());
  await stream.remove();
  return { what: `away ${awayMs} ms`, ms: startedLocally, misses };
}

/** A signal for a job that no worker has claimed yet ends it without one. */
async function areRunning({ cluster }: StreamStage, count: number): Promise<boolean> {
  for (const until = performance.now() + 10_000; performance.now() < until; await after(50)) {
    const jobs = await cluster.api('/api/v1/jobs?state=running');
    if (Array.isArray(jobs) && jobs.length >= count) return true;
  }
  return false;
}

function start(stage: StreamStage, what: string, blocks: boolean): Job {
  jobs += 1;
  const [code, tag] = [1 + (jobs % 60), `job ${jobs} of this run`];
  const steps = blocks
    ? behaviour({ onTerm: code }, { log: tag }, { block: true })
    : behaviour({ log: tag }, { exit: code });
  // One that ran here would not notice what happens to the cluster.
  const env = blocks ? { TRANSCODE_OPERATING_MODE: 'remote' } : stage.local;
  const hook = stage.cluster.startHook(steps, { cwd: stage.transcodeDirectory, env });
  return { what, code, tag, hook };
}

async function problemsOf({ what, code, tag, hook }: Job): Promise<string[]> {
  const exit = await within(HOOK_LIMIT_MS, hook.exited);
  if (exit === null) {
    process.kill(hook.pid, 'SIGKILL');
    return [`${what}: the hook of ${tag} hangs`];
  }
  const got = exit.code ?? exit.signal;
  return got === code ? [] : [`${what}: the hook of ${tag} ended with ${got}, not ${code}`];
}

async function pidsOf({ recorder }: StreamStage, of: readonly Job[]): Promise<number[]> {
  const records = await recorder.records();
  return records.filter(({ argv }) => of.some(({ tag }) => isAbout(argv, tag))).map(({ pid }) => pid);
}

async function ranMoreThanOnce({ recorder }: StreamStage, of: readonly Job[]): Promise<string[]> {
  const records = await recorder.records();
  return of.flatMap(({ what, tag }) => {
    const runs = records.filter(({ argv }) => isAbout(argv, tag)).length;
    return runs === 1 ? [] : [`${what}: ${tag} had ${runs} transcoders`];
  });
}

function isAbout(argv: readonly Buffer[], tag: string): boolean {
  return String(argv[1]).includes(`log=${tag}`);
}
