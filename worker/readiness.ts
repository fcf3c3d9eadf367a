/** One thing that must be right before this worker takes jobs. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What is wrong and what to do, when it is not ok. */
  readonly message: string | null;
}

/** What the parts of the worker have found out about themselves. */
export interface Findings {
  /** Undefined until it was looked at. */
  readonly transcoderProblem: string | null | undefined;
  /** Undefined until it was looked at. */
  readonly storageProblems: readonly string[] | undefined;
  readonly stopping: boolean;
  readonly connected: boolean;
}

export function checksOf({ transcoderProblem, storageProblems, stopping, connected }: Findings): Check[] {
  return [
    check('transcoder', transcoderProblem === undefined ? 'it is being tried' : transcoderProblem),
    check(
      'storage',
      storageProblems === undefined ? 'it is being tried' : storageProblems.join('; ') || null,
    ),
    check('draining', stopping ? 'the worker is stopping' : null),
    check('orchestrator', connected ? null : 'not connected; see the log, ORCHESTRATOR_URL and the token'),
  ];
}

/** Whether it may be given jobs. A worker that is not connected is given none anyway. */
export function canTakeJobs(checks: readonly Check[]): boolean {
  return checks.every(({ ok, name }) => ok || name === 'orchestrator');
}

function check(name: string, problem: string | null): Check {
  return { name, ok: problem === null, message: problem };
}
