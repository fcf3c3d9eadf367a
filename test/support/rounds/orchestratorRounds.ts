import { setTimeout as after } from 'node:timers/promises';
import type { Random } from '../../simulation/random.ts';
import { isRunning } from '../processes.ts';
import { DASH_STREAM } from '../streamKinds.ts';
import { StreamStage } from '../streamStage.ts';
import { areRunning, HOOK_LIMIT_MS, pidsOf, problemsOf, ranMoreThanOnce, start } from './jobs.ts';
import { type Lane, type Round, within } from './rounds.ts';

const SECONDS = 8;
const AWAY_MS = [200, 2_000, 20_000];
const LOCAL_LIMIT_MS = 1_500;

let lanes = 0;

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
