import { setTimeout as after } from 'node:timers/promises';
import type { RunningHook } from '../cluster.ts';
import { behaviour } from '../recordingTranscoder.ts';
import type { StreamStage } from '../streamStage.ts';
import { within } from './rounds.ts';

export const HOOK_LIMIT_MS = 60_000;

let jobs = 0;

/** One beside the streams, with an exit code of its own. */
export interface Job {
  readonly what: string;
  readonly code: number;
  /** Tells its runs from those of others. */
  readonly tag: string;
  readonly hook: RunningHook;
}

/** A signal for a job that no worker has claimed yet ends it without one. */
export async function areRunning({ cluster }: StreamStage, count: number): Promise<boolean> {
  for (const until = performance.now() + 10_000; performance.now() < until; await after(50)) {
    const jobs = await cluster.api('/api/v1/jobs?state=running');
    if (Array.isArray(jobs) && jobs.length >= count) return true;
  }
  return false;
}

export function start(stage: StreamStage, what: string, blocks: boolean): Job {
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

export async function problemsOf({ what, code, tag, hook }: Job): Promise<string[]> {
  const exit = await within(HOOK_LIMIT_MS, hook.exited);
  if (exit === null) {
    process.kill(hook.pid, 'SIGKILL');
    return [`${what}: the hook of ${tag} hangs`];
  }
  const got = exit.code ?? exit.signal;
  return got === code ? [] : [`${what}: the hook of ${tag} ended with ${got}, not ${code}`];
}

export async function pidsOf({ recorder }: StreamStage, of: readonly Job[]): Promise<number[]> {
  const records = await recorder.records();
  return records.filter(({ argv }) => of.some(({ tag }) => isAbout(argv, tag))).map(({ pid }) => pid);
}

export async function ranMoreThanOnce({ recorder }: StreamStage, of: readonly Job[]): Promise<string[]> {
  const records = await recorder.records();
  return of.flatMap(({ what, tag }) => {
    const runs = records.filter(({ argv }) => isAbout(argv, tag)).length;
    return runs === 1 ? [] : [`${what}: ${tag} had ${runs} transcoders`];
  });
}

function isAbout(argv: readonly Buffer[], tag: string): boolean {
  return String(argv[1]).includes(`log=${tag}`);
}
