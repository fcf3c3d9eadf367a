import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import { collectorOf, type TraceSettings } from './settings.ts';

/** What is null is not known, and left out. No command, no environment and no address: they hold tokens. */
export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[] | null>>;

/** Something that takes time, in the trace of a job. What is never ended is never told. */
export interface Span {
  /** For spans below this one, here or elsewhere. */
  readonly traceparent: string;
  set(attributes: Attributes): void;
  /** Something happened now. */
  event(name: string, attributes?: Attributes): void;
  /** @param failure what went wrong, as one word; null when nothing did */
  end(failure: string | null): void;
}

export interface Tracing {
  /**
   * Begins the trace of a job, or goes on with what a relay before this one began.
   *
   * @param startedAt milliseconds since 1970; null: now
   * @returns null when the job is not to be traced
   */
  begin(jobId: string, startedAt: number | null): Span | null;
  span(name: string, traceparent: string): Span;
  /** Sends what there is, if the collector takes it, for a moment. */
  stop(): Promise<void>;
}

export interface TracingOptions {
  readonly settings: TraceSettings;
  /** Which part this is. */
  readonly part: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Null where nobody asked for traces: nothing of OpenTelemetry is loaded then. */
export async function startTracing(options: TracingOptions): Promise<Tracing | null> {
  const collector = collectorOf(options.settings);
  if (collector === null) return null;
  const { OpenTelemetry } = await import('./openTelemetry.ts');
  return new OpenTelemetry(collector, options);
}
