import { readdirSync, readFileSync } from 'node:fs';

/** The transcoder that a worker runs, when it runs one: the process with the worker's mark in its environment. */
export function transcoderOf(workerPid: number): number {
  return processWith('environ', (text) => text.includes(`CLUSTERPLEX_OWNER=${workerPid}:`));
}

export function guardianOf(workerPid: number): number {
  return processWith('cmdline', (text) =>
    text.includes(`clusterplex-guardian\0CLUSTERPLEX_OWNER=${workerPid}:`),
  );
}

/** All processes of one attempt, ffmpeg below the transcoder included. */
export function processesOfAttempt(jobId: string, attempt: number): number[] {
  const mark = `\0CLUSTERPLEX_ATTEMPT=${jobId} ${attempt}\0`;
  return [...processesWith('environ', (text) => `\0${text}`.includes(mark))];
}

function processWith(file: string, matches: (text: string) => boolean): number {
  for (const pid of processesWith(file, matches)) return pid;
  throw new Error('no such process');
}

function* processesWith(file: string, matches: (text: string) => boolean): Generator<number> {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (matches(readFileSync(`/proc/${entry}/${file}`, 'latin1'))) yield Number(entry);
    } catch {
      // It has ended while we looked.
    }
  }
}
