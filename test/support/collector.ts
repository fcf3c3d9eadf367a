import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { portOf } from './portOf.ts';

export interface CollectedSpan {
  readonly name: string;
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** Milliseconds. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
  readonly isFailed: boolean;
}

/** A collector of traces that takes OTLP as JSON, or refuses it. */
export class Collector {
  readonly #server: Server;
  readonly spans: CollectedSpan[] = [];
  /** Headers of each request. */
  readonly requests: NodeJS.Dict<string | string[]>[] = [];
  status = 200;
  /** It answers nothing any more. */
  hangs = false;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const body = JSON.parse(await text(request));
      this.requests.push({ ...request.headers, url: request.url });
      if (this.hangs) return;
      if (this.status === 200) this.spans.push(...spansIn(body));
      response.writeHead(this.status, { 'content-type': 'application/json' }).end('{}');
    });
  }

  static async listen(port = 0): Promise<Collector> {
    const collector = new Collector();
    collector.#server.listen(port, '127.0.0.1');
    await once(collector.#server, 'listening');
    return collector;
  }

  get address(): string {
    return `http://127.0.0.1:${portOf(this.#server)}`;
  }

  /** In the order of their starts. */
  named(name: string): CollectedSpan[] {
    return this.spans.filter((span) => span.name === name).toSorted((a, b) => a.start - b.start);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

interface Otlp {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

interface OtlpSpan extends Pick<CollectedSpan, 'name' | 'traceId' | 'spanId' | 'parentSpanId'> {
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly events: readonly { readonly name: string }[];
  readonly status: { readonly code: number };
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

type OtlpValue = Readonly<Record<string, unknown>> & {
  readonly arrayValue?: { readonly values: readonly OtlpValue[] };
};

function spansIn({ resourceSpans }: Otlp): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(attributesOf(resource.attributes)['service.name']);
    return scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, traceId, spanId, parentSpanId, ...span }) => ({
        ...{ name, service, traceId, spanId, parentSpanId },
        start: milliseconds(span.startTimeUnixNano),
        end: milliseconds(span.endTimeUnixNano),
        attributes: attributesOf(span.attributes),
        events: span.events.map((event) => event.name),
        isFailed: span.status.code === 2,
      })),
    );
  });
}

/** As nanoseconds no number is as exact. */
function milliseconds(nanoseconds: string): number {
  return Number(BigInt(nanoseconds) / 1_000n) / 1_000;
}

function attributesOf(attributes: readonly OtlpAttribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: OtlpValue): unknown {
  return value.arrayValue ? value.arrayValue.values.map(plain) : Object.values(value)[0];
}
