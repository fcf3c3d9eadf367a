import { resumed } from '#shared/argv/resume.ts';
import type { ByteString } from '#shared/bytes.ts';
import type { Capabilities } from '#shared/capabilities.ts';
import type { Change } from '#shared/job.ts';
import { type HardwareRequirement, requirementsOf } from '#shared/requirements.ts';
import type { Environment } from '#shared/settings/read.ts';
import { confinementOf, type Places } from '../attempts/admission.ts';
import type { GivenJob } from '../attempts/attempt.ts';
import { ownershipOf } from '../transcoder/fence.ts';
import type { Command } from '../transcoder/launch.ts';
import { OWNER_VARIABLE } from '../transcoder/owner.ts';
import { transcoderEnv } from './env.ts';
import { adaptHardware } from './hardware/adaptation.ts';
import { applyHwaccel, isHwaccel } from './hwaccel.ts';
import { RAISED, raiseLoglevel } from './loglevel.ts';

export interface AdaptedCommand {
  readonly command: Command;
  readonly changes: readonly Change[];
  readonly hardware: HardwareRequirement | null;
  /** PMS wants nothing of its stderr, which is for the worker alone. */
  readonly silent: boolean;
}

export interface Machine {
  readonly file: string;
  /** FFMPEG_HWACCEL. */
  readonly hwaccel: string;
  readonly capabilities: Capabilities;
  readonly env: Environment;
  readonly places: Places;
  /** What marks the worker's processes. */
  readonly owner: string;
}

/** The job as this worker runs it, from where it goes on. Throws when it can't be run here. */
export function adaptedCommand(
  { job, resume, software, encoder, gpu }: GivenJob,
  attempt: number,
  machine: Machine,
): AdaptedCommand {
  const { file, hwaccel, capabilities, env, places, owner } = machine;
  const { plexPass, jobId, cwd } = job;
  const changes: Change[] = [];
  let argv: readonly ByteString[] = job.argv;
  if (resume) {
    argv = resumed(argv, resume);
    changes.push({ name: 'resumed', detail: `at segment ${resume.segment}, ${resume.seconds} s` });
  }
  const adapted = adaptHardware(argv, { capabilities, software, encoder, gpu, plexPass });
  if (adapted.change) changes.push(adapted.change);
  argv = applyHwaccel(adapted.argv, hwaccel);
  if (isHwaccel(hwaccel)) changes.push({ name: 'hwaccel', detail: hwaccel });
  const level = raiseLoglevel(argv);
  argv = level.argv;
  if (level.silent) changes.push({ name: 'loglevel', detail: `${RAISED}, of which PMS sees nothing` });
  return {
    command: {
      file,
      argv,
      env: { ...transcoderEnv(job.env, env), [OWNER_VARIABLE]: owner },
      cwd,
      ownership: ownershipOf(jobId, attempt, owner),
      confinement: confinementOf({ argv: [...argv], cwd }, places),
    },
    changes,
    hardware: requirementsOf(argv).hardware,
    silent: level.silent,
  };
}
