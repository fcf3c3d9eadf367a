import type { Attributes, Span, Tracing } from '#shared/tracing/tracing.ts';

export const TRACEPARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

export class RecordedSpan implements Span {
  readonly name: string;
  readonly parent: string | null;
  readonly attributes: Record<string, Attributes[string]> = {};
  readonly events: string[] = [];
  /** Undefined until it ends, and then as it ended. */
  failure: string | null | undefined;
  readonly traceparent = TRACEPARENT;

  constructor(name: string, parent: string | null) {
    this.name = name;
    this.parent = parent;
  }

  set(attributes: Attributes): void {
    Object.assign(this.attributes, attributes);
  }

  event(name: string): void {
    this.events.push(name);
  }

  end(failure: string | null): void {
    if (this.failure !== undefined) throw new Error(`${this.name} ended twice`);
    this.failure = failure;
  }
}

/** Tracing without OpenTelemetry: what was told is here. */
export class RecordedTracing implements Tracing {
  readonly spans: RecordedSpan[] = [];
  /** Whether jobs are traced. */
  isSampling = true;

  begin(_jobId: string, startedAt: number | null): Span | null {
    if (!this.isSampling) return null;
    const span = this.span('job', null);
    span.set({ startedAt });
    return span;
  }

  span(name: string, parent: string | null): Span {
    const span = new RecordedSpan(name, parent);
    this.spans.push(span);
    return span;
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  /** Those of this name, in the order of their beginnings. */
  named(name: string): RecordedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }
}
