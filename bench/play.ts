import { join } from 'node:path';
import { corpusCommand } from '../test/support/corpus.ts';
import { retarget } from '../test/support/retarget.ts';
import { DASH_STREAM } from '../test/support/streamKinds.ts';
import type { StreamStage } from '../test/support/streamStage.ts';

export interface Played {
  /** Milliseconds from the start until PMS was told of the first segment, and until the end. */
  readonly first: number;
  readonly wall: number;
}

/** One film as PMS starts it: through the cluster, or by another executable. */
export async function play(
  { pms, cluster, hook, media, transcodeDirectory }: StreamStage,
  { executable = hook, input = join(media, 'film.mkv') } = {},
): Promise<Played> {
  const command = corpusCommand(DASH_STREAM.id);
  const job = DASH_STREAM.adapt(retarget(command, { input, pmsPort: pms.port, transcodeDirectory }));
  const told = pms.next(({ job: ofJob, call }) => ofJob === job.job && call === 'manifest');
  const env = { RELAY_SOCKET: cluster.socket, TRANSCODE_OPERATING_MODE: 'remote' };
  const started = performance.now();
  const child = await pms.spawn(executable, job, env);
  await Promise.race([told, child.exited]);
  const first = performance.now() - started;
  const { code } = await child.exited;
  if (code !== 0) throw new Error(`exit code ${code}`);
  return { first, wall: performance.now() - started };
}
