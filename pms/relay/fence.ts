import { renameSync, writeFileSync } from 'node:fs';
import { bytesOf } from '#shared/bytes.ts';
import type { JobSpec } from '#shared/job.ts';

/** Higher than any attempt of a worker: whoever runs the job and reads this ends (worker/transcoder/fence.ts). */
const NOBODY = 1_000_000_000;

/**
 * Takes a job away from whoever may still run it, by way of the shared volume.
 *
 * @throws when the job's directory is gone, which PMS may have deleted
 */
export function fence({ jobId, cwd }: JobSpec): void {
  const file = Buffer.concat([bytesOf(cwd), Buffer.from(`/.clusterplex-${jobId}`)]);
  const temporary = Buffer.concat([file, Buffer.from('.new')]);
  writeFileSync(temporary, `${NOBODY} relay\n`);
  renameSync(temporary, file);
}
