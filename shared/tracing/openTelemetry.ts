// The only file that loads OpenTelemetry, and itself only loaded where traces are on.
import { hostname } from 'node:os';
import {
  type AttributeValue,
  ROOT_CONTEXT,
  type Span as SdkSpan,
  type SpanOptions,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  type IdGenerator,
  ParentBasedSampler,
  RandomIdGenerator,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { WallClock } from '../clock.ts';
import { coerceError, systemErrorCode } from '../errors.ts';
import { VERSION } from '../version.ts';
import type { TraceSettings } from './settings.ts';
import type { Attributes, Span, Tracing, TracingOptions } from './tracing.ts';

/** How long the end of the process waits for the collector. */
const FLUSH_MS = 2_000;

/** As hooks make them: 122 random bits, and none of the two ids can be all zeros, which W3C does not allow. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export class OpenTelemetry implements Tracing {
  readonly #options: TracingOptions;
  readonly #collector: string;
  readonly #ids = new Ids();
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #wall: WallClock;
  #isFailing = false;

  /** @param collector where spans go */
  constructor(collector: string, options: TracingOptions) {
    const { settings, part, logger } = options;
    this.#options = options;
    this.#wall = new WallClock(options.clock);
    this.#collector = new URL(collector).origin;
    this.#provider = new TracerProvider({
      idGenerator: this.#ids,
      sampler: samplerOf(settings),
      resource: defaultResource().merge(
        resourceFromAttributes({
          'service.name': `clusterplex-${part}`,
          'service.version': VERSION,
          'host.name': hostname(),
          ...settings.OTEL_RESOURCE_ATTRIBUTES,
          ...(settings.OTEL_SERVICE_NAME !== null && { 'service.name': settings.OTEL_SERVICE_NAME }),
        }),
      ),
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: this.#exporter(collector),
          scheduledDelayMillis: settings.OTEL_BSP_SCHEDULE_DELAY,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer('clusterplex', VERSION);
    logger.info({ collector: this.#collector }, 'jobs are traced');
  }

  begin(jobId: string, startedAt: number | null): Span | null {
    if (!UUID.test(jobId)) return null;
    const { clock } = this.#options;
    const now = this.#wall.at(clock.now()).getTime();
    // Whoever has the id of a job finds its trace, and a relay that comes back goes on with it.
    const hex = jobId.replaceAll('-', '');
    this.#ids.next = { trace: hex, span: hex.slice(16) };
    const span = this.#start('job', { root: true, startTime: Math.min(startedAt ?? now, now) });
    this.#ids.next = null;
    return span.isRecording() ? new RecordedSpan(span) : null;
  }

  span(name: string, traceparent: string): Span {
    return new RecordedSpan(this.#start(name, {}, traceparent));
  }

  async stop(): Promise<void> {
    // Nobody waits for a collector that is known to be away.
    if (this.#isFailing) return;
    await new Promise<void>((resolve) => {
      const deadline = this.#options.clock.after(FLUSH_MS, resolve);
      const done = (): void => {
        deadline.cancel();
        resolve();
      };
      this.#provider.shutdown().then(done, done);
    });
  }

  #start(name: string, options: SpanOptions, traceparent?: string): SdkSpan {
    const [, traceId = '', spanId = '', flags = ''] = traceparent?.split('-') ?? [];
    const parent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
    const context = traceparent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    return this.#tracer.startSpan(name, options, context);
  }

  #exporter(url: string): SpanExporter {
    const { settings } = this.#options;
    const exporter = new OTLPTraceExporter({
      url,
      headers: { ...settings.OTEL_EXPORTER_OTLP_HEADERS },
      timeoutMillis: settings.OTEL_EXPORTER_OTLP_TIMEOUT,
    });
    return {
      export: (spans, done) =>
        exporter.export(spans, (result) => {
          this.#exported(result.code === 0 ? null : coerceError(result.error));
          done(result);
        }),
      shutdown: () => exporter.shutdown(),
    };
  }

  /** Says it once, until it is different. */
  #exported(error: Error | null): void {
    const { logger } = this.#options;
    const about = { collector: this.#collector };
    if (error && !this.#isFailing) {
      const problem = error.message || systemErrorCode(error);
      logger.warn({ ...about, problem }, 'traces get lost: no OTLP over HTTP there (gRPC is another port)');
    } else if (!error && this.#isFailing) {
      logger.info(about, 'the collector takes traces again');
    }
    this.#isFailing = error !== null;
  }
}

class RecordedSpan implements Span {
  readonly #span: SdkSpan;

  constructor(span: SdkSpan) {
    this.#span = span;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(known(attributes));
  }

  event(name: string, attributes: Attributes = {}): void {
    this.#span.addEvent(name, known(attributes));
  }

  end(failure: string | null): void {
    if (failure !== null) this.#span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    this.#span.end();
  }
}

class Ids implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  /** Those of the span that is about to be made; null: any. */
  next: { readonly trace: string; readonly span: string } | null = null;

  generateTraceId(): string {
    return this.next?.trace ?? this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.next?.span ?? this.#random.generateSpanId();
  }
}

function samplerOf({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: ratio }: TraceSettings): Sampler {
  const [last = ''] = name.split('_').slice(-1);
  const roots: Readonly<Record<string, Sampler>> = {
    on: new AlwaysOnSampler(),
    off: new AlwaysOffSampler(),
  };
  const root = roots[last] ?? new TraceIdRatioBasedSampler(ratio);
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

function known(attributes: Attributes): Record<string, AttributeValue> {
  const entries = Object.entries(attributes).flatMap(([name, value]): [string, AttributeValue][] => {
    if (value === null) return [];
    return [[name, typeof value === 'object' ? [...value] : value]];
  });
  return Object.fromEntries(entries);
}
