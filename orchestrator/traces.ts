import type { Span, Tracing } from '#shared/tracing/tracing.ts';
import type { Job } from './core/model.ts';
import type { Observer } from './driver.ts';
import { retryReason } from './retryReason.ts';

/** Makes a span of each time that a job waits for a worker. */
export function traceQueue(tracing: Tracing): Observer {
  const waiting = new WeakMap<Job, Span>();
  return (effect) => {
    if (effect.type !== 'job-changed') return;
    const { job, event, attempt } = effect;
    const { traceparent, jobId, jobClass } = job.spec;
    if (traceparent === undefined) return;
    if (event === 'queued' && !waiting.has(job)) {
      const span = tracing.span('queue', traceparent);
      span.set({ 'clusterplex.job.id': jobId, 'clusterplex.job.class': jobClass });
      waiting.set(job, span);
    }
    if (event !== 'placed' && event !== 'adopted' && event !== 'ended') return;
    const span = waiting.get(job);
    if (!span) return;
    waiting.delete(job);
    if (event === 'ended') {
      const reason = job.outcome?.reason ?? 'failed';
      span.set({ 'clusterplex.outcome': reason });
      span.end(reason === 'cancelled' ? null : reason);
      return;
    }
    span.set({
      'clusterplex.worker': attempt?.worker ?? null,
      'clusterplex.attempt': attempt?.number ?? null,
      'clusterplex.retry': attempt && retryReason(job, attempt),
    });
    span.end(null);
  };
}
