import type { Socket } from 'node:net';
import { coerceError } from '#shared/errors.ts';
import { encodeLine, type HookLine, lineReader, type RelayLine } from '../hookProtocol.ts';
import { LineSplitter } from './lines.ts';

export interface HookHandlers {
  line(line: HookLine): void;
  /** What arrived is not of the protocol. The connection is still open, so that the hook can be told what to do. */
  broken(problem: string): void;
  /** The hook is gone: PMS ended it, or it has done its work. */
  closed(): void;
}

const reader = lineReader('hookToRelay');

/** One hook, as lines. */
export class HookConnection {
  readonly #socket: Socket;

  constructor(socket: Socket, handlers: HookHandlers) {
    this.#socket = socket;
    const splitter = new LineSplitter();
    let broken = false;
    const fail = (problem: string): void => {
      if (!broken) handlers.broken(problem);
      broken = true;
    };
    socket.on('data', (data) => {
      if (broken) return;
      try {
        for (const text of splitter.push(data)) {
          const result = reader.read(text);
          if ('problem' in result) fail(result.problem);
          else if (!broken) handlers.line(result.message);
        }
      } catch (error) {
        fail(coerceError(error).message);
      }
    });
    // Its close follows, and says all that matters.
    socket.on('error', () => undefined);
    socket.on('close', () => handlers.closed());
  }

  send(line: RelayLine): void {
    if (this.#socket.writable) this.#socket.write(encodeLine<'relayToHook'>(line));
  }

  /** After the last line. */
  close(): void {
    this.#socket.end();
  }

  /** Whatever the hook has read; it comes back to the next relay, and says how far it got. */
  destroy(): void {
    this.#socket.destroy();
  }
}
