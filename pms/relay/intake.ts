import type { Splice } from '#shared/argv/splice.ts';
import type { ByteString } from '#shared/bytes.ts';
import { PASSED_VARIABLES } from '#shared/env.ts';
import type { JobSpec } from '#shared/job.ts';
import { isTooLong } from '#shared/protocol/record.ts';
import { classify } from '../classify.ts';
import type { JobLine } from '../hookProtocol.ts';
import { callbackScopes, rewriteArgv, unreachableInput } from '../rewrite.ts';
import { credentialOf } from './credentials.ts';
import type { CallbackPlace } from './heldJob.ts';

export interface IntakeOptions {
  /** PMS as it stands in its commands. */
  readonly pmsOrigin: string;
  /** What workers call instead. */
  readonly callbackAddress: string;
  /**
   * What a transcoder on this host calls: the Local Relay, which passes only what PMS serves to transcoders. Null when
   * it is off, and workers reach all of PMS.
   */
  readonly localAddress: string | null;
  readonly token: string | null;
  /** Whether PMS has an active Plex Pass, by its own token. */
  readonly hasPlexPass: (pmsToken: ByteString | undefined) => boolean;
  /** A job was taken in. */
  readonly taken?: (job: JobSpec) => void;
  /** Where jobs are traced: the job with the context of its trace. */
  readonly traced?: (job: JobSpec, startedAt: number | null) => JobSpec;
}

export interface Intake {
  readonly spec: JobSpec;
  readonly place: CallbackPlace;
  /** What makes of its argv the one that PMS gave; null when that is too long for an orchestrator. */
  readonly given: readonly Splice[] | null;
}

/** Makes the job for the workers of what PMS told the hook; or says why no worker could run it. */
export function takeIn(line: JobLine, options: IntakeOptions): Intake | { readonly refusal: string } {
  const { jobId, argv, env, cwd, local, verbose } = line;
  const { pmsOrigin, localAddress, token } = options;
  if (argv.length === 0) return { refusal: 'the command has no arguments' };
  const unreachable = localAddress !== null ? unreachableInput(argv, pmsOrigin) : null;
  if (unreachable !== null) return { refusal: `only this host can read its input, ${unreachable}` };

  const credential = localAddress !== null && token !== null ? credentialOf(jobId, token) : null;
  const calling = (address: string) =>
    rewriteArgv(argv, {
      pmsOrigin,
      verbose,
      callbackBase: address + (credential === null ? '' : `/job/${credential}`),
    });
  const rewritten = calling(options.callbackAddress);
  const given = argv.flatMap((element, at) => {
    return rewritten.argv[at] === element ? [] : [{ at, remove: 1, insert: [element] }];
  });
  const passed = Object.entries(env).filter(([name]) => PASSED_VARIABLES.includes(name));
  const plexPass = options.hasPlexPass(env['X_PLEX_TOKEN']);
  return {
    spec: {
      ...classify(argv, env),
      jobId,
      plexPass,
      local,
      cwd,
      ...rewritten,
      env: Object.fromEntries(passed),
    },
    place: {
      scopes: callbackScopes(argv, pmsOrigin),
      credential,
      localArgv: localAddress === null ? null : calling(localAddress).argv,
    },
    given: isTooLong(given) ? null : given,
  };
}
