/** When a peer whose connection was closed may connect again. */
export type Retry = 'at-once' | 'backoff' | 'slow';

interface CloseCodeEntry {
  readonly code: number;
  readonly retry: Retry;
}

/** The table of docs/protocol.md. 4000 and up are ours, and echo HTTP where there is a likeness. */
export const CLOSE = {
  normal: { code: 1000, retry: 'backoff' },
  'too-large': { code: 1009, retry: 'backoff' },
  'bad-message': { code: 4400, retry: 'backoff' },
  'out-of-order': { code: 4403, retry: 'backoff' },
  'hello-timeout': { code: 4408, retry: 'backoff' },
  'name-taken': { code: 4409, retry: 'slow' },
  // Retried all the same: hellos of one process may arrive out of order, and then the living connection is replaced.
  replaced: { code: 4410, retry: 'backoff' },
  'not-leader': { code: 4421, retry: 'at-once' },
  'too-slow': { code: 4429, retry: 'backoff' },
  silent: { code: 4440, retry: 'backoff' },
  internal: { code: 4500, retry: 'backoff' },
  'shutting-down': { code: 4503, retry: 'at-once' },
} as const satisfies Record<string, CloseCodeEntry>;

export type CloseName = keyof typeof CLOSE;

const retryOf = new Map<number, Retry>(Object.values(CLOSE).map(({ code, retry }) => [code, retry]));

/** What a close code says about connecting again; a code of nobody's (1006: the connection broke) is worth a try. */
export function retryAfterClose(code: number): Retry {
  return retryOf.get(code) ?? 'backoff';
}
