import { shortened } from '#shared/bytes.ts';
import { type Check, MAX_CHECK_LENGTH } from '#shared/protocol/check.ts';
import type { Licence } from './eae/licence.ts';

/** What the parts of the worker have found out about themselves. */
export interface Findings {
  /** The problem is undefined until it was looked at. */
  readonly transcoder: { readonly problem: string | null | undefined; readonly note: string | null };
  /** The problems are undefined until it was looked at. */
  readonly storage: {
    readonly problems: readonly string[] | undefined;
    readonly warnings: readonly string[];
  };
  /** What is wrong with the codecs, and what is missing that no playback needs. */
  readonly codecs: { readonly problem: string | null; readonly warning: string | null };
  readonly eae: { readonly problem: string | null; readonly licence: Licence | null };
  /** Of GPUs that are there and can't be used. */
  readonly hardware: { readonly problem: string | null };
  readonly stopping: boolean;
  readonly connected: boolean;
}

export function checksOf(findings: Findings): Check[] {
  const { transcoder, storage, codecs, eae, hardware, stopping, connected } = findings;
  return [
    transcoderCheck(transcoder),
    storageCheck(storage),
    check('codecs', codecs.problem ?? codecs.warning, codecs.problem !== null),
    eaeCheck(eae),
    check('gpu', hardware.problem, false),
    check('draining', stopping ? 'the worker is stopping' : null),
    check('orchestrator', connected ? null : 'not connected; see the log, ORCHESTRATOR_URL and the token'),
  ];
}

/** Whether it may be given jobs. A worker that is not connected is given none anyway. */
export function canTakeJobs(checks: readonly Check[]): boolean {
  return whyNot(checks) === undefined;
}

/** The check because of which it may not. */
export function whyNot(checks: readonly Check[]): Check | undefined {
  return checks.find(({ ok, blocking, name }) => !ok && blocking && name !== 'orchestrator');
}

function transcoderCheck({ problem, note }: Findings['transcoder']): Check {
  const found = check('transcoder', problem === undefined ? 'it is being tried' : problem);
  return found.ok ? { ...found, message: note && shortened(note, MAX_CHECK_LENGTH) } : found;
}

function storageCheck({ problems, warnings }: Findings['storage']): Check {
  const problem = problems === undefined ? 'it is being tried' : problems.join('; ') || null;
  return check('storage', problem ?? (warnings.join('; ') || null), problem !== null);
}

function eaeCheck({ problem, licence }: Findings['eae']): Check {
  const found = check('eae', problem, false);
  if (problem !== null || licence === null) return found;
  return {
    ...found,
    message: lasting(licence),
    ...(licence.endsAt !== null && { until: licence.endsAt }),
  };
}

function lasting(licence: Licence): string {
  return licence.endsAt === null ? 'licensed' : `licensed until ${new Date(licence.endsAt).toISOString()}`;
}

function check(name: string, problem: string | null, blocking = true): Check {
  return { name, ok: problem === null, message: problem && shortened(problem, MAX_CHECK_LENGTH), blocking };
}
