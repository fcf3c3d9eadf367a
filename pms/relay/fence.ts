import { bytesOf } from '#shared/bytes.ts';
import type { JobSpec } from '#shared/job.ts';
import { takeOver } from '../hook/takeOver.ts';

/** @throws when the job's directory is gone, which PMS may have deleted */
export function fence({ jobId, cwd }: JobSpec): void {
  takeOver(Buffer.concat([bytesOf(cwd), Buffer.from(`/.clusterplex-${jobId}`)]), 'relay');
}
