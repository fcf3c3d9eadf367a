import { signal } from '@preact/signals';
import type { ErrorView } from '#shared/api/schemas.ts';

const TOKEN = 'clusterplex-token';
const NO_ANSWER = 'the orchestrator does not answer';
/** The server says something every 15 s. */
const SILENT_MS = 40_000;

/** Of this tab only: it is gone when the tab is. */
export const token = signal(sessionStorage.getItem(TOKEN));
/** The server's clock, as seen from here, in milliseconds ahead of ours. */
export const clockOffset = signal(0);

export function setToken(value: string | null): void {
  token.value = value;
  if (value === null) sessionStorage.removeItem(TOKEN);
  else sessionStorage.setItem(TOKEN, value);
}

/** An answer that is no 2xx, in the API's own words. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, { error }: ErrorView) {
    super(error.hint ? `${error.message}: ${error.hint}` : error.message);
    this.status = status;
  }
}

/** Relative, so that the dashboard works below any path of a proxy. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token.value !== null) headers.set('authorization', `Bearer ${token.value}`);
  const response = await fetch(path, { ...init, headers }).catch((error: unknown) => {
    // All that browsers say of a server that they don't reach.
    throw error instanceof TypeError ? new Error(NO_ANSWER) : error;
  });
  const date = Date.parse(response.headers.get('date') ?? '');
  // The header has whole seconds.
  if (!Number.isNaN(date) && Math.abs(date - Date.now()) > 2000) clockOffset.value = date - Date.now();
  if (response.ok) return response;
  throw new ApiError(response.status, await errorIn(response));
}

async function errorIn(response: Response): Promise<ErrorView> {
  try {
    return await response.json();
  } catch {
    return { error: { code: 'internal', message: `the server answered ${response.status}`, hint: null } };
  }
}

export async function get<T>(path: string): Promise<T> {
  return (await request(`api/v1/${path}`)).json();
}

export function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export async function change(method: string, path: string, body?: object): Promise<void> {
  const init = body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {};
  await request(`api/v1/${path}`, { method, ...init });
}

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** Server-sent events, read by hand: EventSource can't send a token. Throws when nothing comes any more. */
export async function* events(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent[]> {
  const silence = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = <T>(promise: Promise<T>): Promise<T> => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new Error(NO_ANSWER)), SILENT_MS);
    return promise;
  };
  try {
    const response = await wait(
      request(path, {
        headers: { accept: 'text/event-stream' },
        signal: AbortSignal.any([signal, silence.signal]),
      }),
    );
    if (!response.body) return;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    yield [];
    for (let part = await wait(reader.read()); !part.done; part = await wait(reader.read())) {
      const blocks = (text + part.value).split('\n\n');
      text = blocks.pop() ?? '';
      yield blocks.map(parseEvent);
    }
  } finally {
    clearTimeout(timer);
  }
}

function parseEvent(block: string): ServerEvent {
  let [event, data] = ['', ''];
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) event = line.slice(6).trim();
    else if (line.startsWith('data:')) data += line.slice(5);
  }
  return { event, data };
}
