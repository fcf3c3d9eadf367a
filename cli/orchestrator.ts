import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { Clean } from 'typebox/value';
import { ErrorView, JobView, ScaleView, WorkerSummary } from '#shared/api/schemas.ts';
import { coerceError, systemErrorCode } from '#shared/errors.ts';
import { firstProblem } from '#shared/protocol/codec.ts';
import { VERSION } from '#shared/version.ts';
import type { Token } from './config.ts';
import { BAD_SETTINGS, FAILED, Failure, UNREACHABLE } from './failure.ts';
import { inCommands } from './hints.ts';

const TIMEOUT_MS = 10_000;

const Description = Type.Object({ info: Type.Object({ version: Type.String() }) });

const EVENTS = {
  job: JobView,
  worker: WorkerSummary,
  'worker-gone': Type.Object({ name: Type.String() }),
  scale: ScaleView,
} as const;

export type ChangeEvent = {
  [E in keyof typeof EVENTS]: { event: E; data: Static<(typeof EVENTS)[E]> };
}[keyof typeof EVENTS];

/** The orchestrator's API. What it answers is checked: another version may say something else. */
export class Orchestrator {
  /** Without what an address may carry of secrets. */
  readonly url: string;
  readonly #token: Token | null;

  constructor(url: string, token: Token | null) {
    const address = new URL(url);
    address.username = '';
    address.password = '';
    this.url = address.href.replace(/\/$/, '');
    this.#token = token;
  }

  /** @throws Failure when it can't be reached, or refuses */
  async ask<T extends TSchema>(
    schema: T,
    path: string,
    init: { method?: string; body?: object } = {},
  ): Promise<Static<T>> {
    const { method = 'GET', body } = init;
    const response = await this.request(path, {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const answer = await this.#read(() => response.json());
    return this.#checked(schema, answer, `${method} ${path}`);
  }

  /** @throws Failure as `ask` does */
  async text(path: string): Promise<string> {
    const response = await this.request(path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return this.#read(() => response.text());
  }

  async version(): Promise<string> {
    return (await this.ask(Description, '/api/v1/openapi.json')).info.version;
  }

  /** Everything as it is, then every change. It does not end by itself. */
  async *events(): AsyncGenerator<ChangeEvent> {
    const { body } = await this.request('/api/v1/events', { headers: { accept: 'text/event-stream' } });
    if (!body) throw this.#unreachable('it sends no events');
    let event = '';
    let rest = '';
    const reader = body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
    for (;;) {
      const { done, value = '' } = await this.#read(() => reader.next());
      if (done) throw this.#unreachable('it closed the connection');
      const lines = `${rest}${value}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('event: ')) event = line.slice('event: '.length).trim();
        const change = line.startsWith('data: ') ? this.#change(event, line.slice('data: '.length)) : null;
        if (change) yield change;
      }
    }
  }

  /** A request that was not refused. */
  async request(path: string, init: RequestInit & { headers?: Record<string, string> }): Promise<Response> {
    const token = this.#token && { authorization: `Bearer ${this.#token.value}` };
    const headers = { ...init.headers, ...token };
    const response = await this.#read(() => fetch(`${this.url}${path}`, { ...init, headers }));
    if (response.ok) return response;
    const answer: unknown = await response.json().catch(() => null);
    throw this.#refusal(response.status, answer);
  }

  #change(event: string, text: string): ChangeEvent | null {
    const data: unknown = JSON.parse(text);
    switch (event) {
      case 'job':
        return { event, data: this.#checked(JobView, data, 'a job event') };
      case 'worker':
        return { event, data: this.#checked(WorkerSummary, data, 'a worker event') };
      case 'worker-gone':
        return { event, data: this.#checked(EVENTS['worker-gone'], data, 'a worker-gone event') };
      case 'scale':
        return { event, data: this.#checked(ScaleView, data, 'a scale event') };
      default:
        // A later version may tell of more.
        return null;
    }
  }

  #checked<T extends TSchema>(schema: T, answer: unknown, what: string): Static<T> {
    const validator = Compile(schema);
    // What a later version adds is no mistake.
    const known: unknown = Clean(schema, answer);
    if (validator.Check(known)) return known;
    throw new Failure(
      FAILED,
      `${this.url} does not answer as the orchestrator of version ${VERSION} does: ${what}: ${firstProblem(validator, known)}`,
      'check ORCHESTRATOR_URL; orchestrator and command line must be of one version',
    );
  }

  #refusal(status: number, answer: unknown): Failure {
    const validator = Compile(ErrorView);
    if (!validator.Check(answer)) {
      const hint = 'check ORCHESTRATOR_URL: is that the orchestrator, or something in front of it?';
      return new Failure(FAILED, `${this.url} answers ${status}`, hint);
    }
    const { code, message, hint } = answer.error;
    if (code === 'unauthorized') {
      const given =
        this.#token === null ? 'no token is set here' : `${this.#token.setting} is not its admin token`;
      return new Failure(
        BAD_SETTINGS,
        `the orchestrator at ${this.url} refuses: ${given}`,
        'set CLUSTERPLEX_ADMIN_TOKEN to what the orchestrator has there, or CLUSTERPLEX_TOKEN where it has no admin token; …_FILE names a file that holds it',
      );
    }
    const isUsage = code === 'bad-request' || code === 'forbidden';
    return new Failure(isUsage ? BAD_SETTINGS : FAILED, message, inCommands(hint));
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      const { cause, name } = coerceError(error);
      if (name === 'TimeoutError') throw this.#unreachable('it does not answer in time');
      throw this.#unreachable(systemErrorCode(cause) ?? coerceError(cause ?? error).message);
    }
  }

  #unreachable(why: string): Failure {
    return new Failure(
      UNREACHABLE,
      `the orchestrator at ${this.url} can't be reached: ${why}`,
      'start it, or set ORCHESTRATOR_URL to its address as seen from here; look at firewalls in between',
    );
  }
}
