import type { Span, Tracing } from '#shared/tracing/tracing.ts';
import type { Attempt } from './attempts/attempt.ts';

/** Makes a span of each attempt, from its assignment to its end. */
export function traceAttempts(tracing: Tracing, worker: string): (attempt: Attempt) => void {
  const spans = new WeakMap<Attempt, Span>();
  return (attempt) => {
    const { job, number, phase, status } = attempt;
    if (job.traceparent === undefined) return;
    const span = spans.get(attempt) ?? tracing.span('attempt', job.traceparent);
    spans.set(attempt, span);
    if (phase === 'preparing') {
      span.set({
        'clusterplex.job.id': job.jobId,
        'clusterplex.job.class': job.jobClass,
        'clusterplex.attempt': number,
        'clusterplex.worker': worker,
      });
    } else if (phase === 'running') {
      span.event('started');
    } else {
      const { outcome, changes, hardware } = status;
      span.set({
        'clusterplex.outcome': outcome?.reason ?? null,
        'clusterplex.changes': changes.map(({ name }) => name),
        'clusterplex.hardware': hardware?.api ?? 'none',
        'clusterplex.encoder': hardware?.encoder ?? null,
        'clusterplex.forced': outcome?.forced || null,
        'clusterplex.gpu_failure': outcome?.gpuFailure ?? null,
        'process.exit.code': outcome?.exitCode ?? null,
        'process.signal': outcome?.signal ?? null,
      });
      span.end(failureOf(outcome));
    }
  };
}

function failureOf(outcome: Attempt['status']['outcome']): string | null {
  if (outcome?.reason === 'cancelled') return null;
  return outcome?.reason === 'exited' && outcome.exitCode === 0 ? null : (outcome?.reason ?? 'failed');
}
