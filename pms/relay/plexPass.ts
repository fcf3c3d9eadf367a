import { type IncomingMessage, request } from 'node:http';
import { type ByteString, latin1 } from '#shared/bytes.ts';
import type { Clock } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import type { Logger } from '#shared/logger.ts';
import { connectionToPms } from './upstream.ts';

const GOOD_FOR_MS = 5 * 60_000;
const DEADLINE_MS = 2_000;
const MAX_ANSWER_BYTES = 256 * 1024;

/** Only the root element says it of the server. */
const SUBSCRIPTION = /^(?:\s*<\?[^>]*\?>)?\s*<MediaContainer\b[^>]*?\smyPlexSubscription="([01])"/;

interface Answer {
  readonly active: boolean;
  readonly at: number;
}

/**
 * Whether PMS has an active Plex Pass, as PMS itself says (design/scaleplex 6). No job waits for it: what is not known yet
 * counts as no, and an answer that has grown old is used once more while PMS is asked again.
 */
export class PlexPass {
  readonly #pmsPort: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #answers = new Map<string, Answer>();
  readonly #asking = new Set<string>();

  constructor(pmsPort: number, clock: Clock, logger: Logger) {
    this.#pmsPort = pmsPort;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** @param token PMS's own, from the job's env */
  isActive(token: ByteString | undefined): boolean {
    if (token === undefined) return false;
    const key = latin1(token);
    const known = this.#answers.get(key);
    if (!known || this.#clock.now() - known.at > GOOD_FOR_MS) void this.#ask(key);
    return known?.active ?? false;
  }

  async #ask(token: string): Promise<void> {
    if (this.#asking.has(token)) return;
    this.#asking.add(token);
    try {
      const active = SUBSCRIPTION.exec(await this.#root(token))?.[1];
      if (active === undefined) throw new Error('the answer does not say');
      // PMS has one token at a time: those of before its restart are not kept.
      this.#answers.clear();
      this.#answers.set(token, { active: active === '1', at: this.#clock.now() });
    } catch (error) {
      this.#answers.delete(token);
      this.#logger.debug(
        { problem: coerceError(error).message },
        'PMS did not say whether it has a Plex Pass',
      );
    } finally {
      this.#asking.delete(token);
    }
  }

  #root(token: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const query = new URLSearchParams({ 'X-Plex-Token': token });
      const asked = request({
        path: `/?${query}`,
        headers: { Host: `127.0.0.1:${this.#pmsPort}`, Accept: 'text/xml', Connection: 'close' },
        createConnection: () => connectionToPms(this.#pmsPort),
      });
      const deadline = this.#clock.after(DEADLINE_MS, () => asked.destroy(new Error('no answer in time')));
      asked.once('close', () => deadline.cancel());
      asked.once('error', reject);
      asked.once('response', (reply: IncomingMessage) => {
        if (reply.statusCode !== 200) {
          asked.destroy(new Error(`status ${reply.statusCode}`));
          return;
        }
        let text = '';
        reply.setEncoding('utf8');
        reply.once('error', reject);
        reply.on('data', (chunk) => {
          text += String(chunk);
          if (text.length > MAX_ANSWER_BYTES) asked.destroy(new Error('the answer is too long'));
        });
        reply.once('end', () => resolve(text));
      });
      asked.end();
    });
  }
}
