import { Worker } from 'node:worker_threads';

/**
 * How many distances between random points one core computes, for LOAD_RANK: ClusterPlex's figure. In a thread of its
 * own, so that it delays nobody.
 *
 * @returns 0 when it could not run
 */
export function benchmark(durationMs: number): Promise<number> {
  if (durationMs === 0) return Promise.resolve(0);
  return new Promise((resolve) => {
    const thread = new Worker(new URL('benchmarkThread.ts', import.meta.url), { workerData: durationMs });
    thread.once('message', (operations) => resolve(Number(operations)));
    thread.once('error', () => resolve(0));
    thread.once('exit', () => resolve(0));
    thread.unref();
  });
}
