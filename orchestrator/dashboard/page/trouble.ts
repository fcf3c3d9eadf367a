import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { WorkerSummary } from '#shared/api/schemas.ts';
import type { Verdict } from './format.ts';
import { words } from './words.ts';

export interface Trouble {
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  /** What to do about them, as far as that is known. */
  readonly remedies: readonly string[];
}

const WITHOUT_PROBLEM = {
  disconnected: 'its connection is lost; it may still come back',
  quarantined: 'too many jobs failed at once on it; it is tried again in a while',
  draining: 'it finishes what it runs and is given nothing new',
  'not-ready': 'a check of its own fails; GET /ready of the worker names it',
} as const;

const LEAVING = 'the scale asks for fewer: it finishes what it runs, and goes';

const VERDICTS: Record<WorkerSummary['state'], Verdict> = {
  ready: { label: 'ready', tone: 'good' },
  draining: { label: 'draining', tone: 'warn' },
  'not-ready': { label: 'not ready', tone: 'bad' },
  quarantined: { label: 'quarantined', tone: 'bad' },
  disconnected: { label: 'disconnected', tone: 'bad' },
};

export function workerVerdict({ state }: WorkerSummary): Verdict {
  return VERDICTS[state];
}

/** Why a worker takes no jobs, or what it warns of; null when all is well. */
export function troubleOf(worker: WorkerSummary): Trouble | null {
  const problems = worker.checks.flatMap(({ name, ok, message }) => {
    return ok ? [] : [`${name}: ${message ?? 'fails'}`];
  });
  const remedies = worker.checks.flatMap(({ remedy }) => remedy ?? []);
  if (worker.state === 'ready') {
    return problems.length === 0
      ? null
      : { verdict: { label: 'warning', tone: 'warn' }, reasons: problems, remedies };
  }
  const isExplained = worker.state === 'not-ready' && problems.length > 0;
  const why = worker.leaving ? LEAVING : WITHOUT_PROBLEM[worker.state];
  const reasons = isExplained ? problems : [why, ...problems];
  return { verdict: VERDICTS[worker.state], reasons, remedies };
}

export function Remedies({ of: { remedies } }: { of: Trouble }): VNode[] {
  return remedies.map((remedy) => html`<small key=${remedy}>${words(remedy)}</small>`);
}
