import type { Attempt, Job } from './core/model.ts';

/** Why the attempt follows another one; null when it is the first that is known here. */
export function retryReason({ attempts }: Job, attempt: Attempt): string | null {
  const before = attempts[attempts.indexOf(attempt) - 1];
  if (!before) return null;
  if (attempt.software && !before.software) return 'hardware';
  return before.doubt ? 'incomplete' : (before.outcome?.reason ?? null);
}
