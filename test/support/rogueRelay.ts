import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import type { ByteString } from '#shared/bytes.ts';
import { SUBPROTOCOL } from '#shared/protocol/messages.ts';

export interface CraftedJob {
  readonly argv: readonly ByteString[];
  readonly cwd: ByteString;
  readonly env?: Readonly<Record<string, ByteString>>;
  /** Over what a job has anyway. */
  readonly extra?: object;
}

interface EndOfJob {
  readonly reason: string;
  readonly message: string | null;
  readonly exitCode: number | null;
}

/** A relay of the attacker's own, with the genuine token: it writes the job itself, past all that our relay checks. */
export class RogueRelay {
  readonly #socket: WebSocket;
  readonly #said: { readonly jobId?: string; readonly outcome?: EndOfJob | null }[] = [];
  #wake: () => void = () => {};
  closed: { code: number; reason: string } | null = null;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('message', (data) => {
      this.#said.push(JSON.parse(String(data)));
      this.#wake();
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
      this.#wake();
    });
  }

  /** @param address of a path at the orchestrator, as for HTTP */
  static async connect(address: string, token: string): Promise<RogueRelay> {
    const socket = new WebSocket(address.replace(/^http/, 'ws'), SUBPROTOCOL, {
      headers: { authorization: `Bearer ${token}` },
    });
    const relay = new RogueRelay(socket);
    await new Promise((resolve) => socket.once('open', resolve));
    return relay;
  }

  hello(): void {
    this.send({ type: 'hello', version: '0', name: 'rogue', instance: randomUUID(), serial: 0, jobs: [] });
  }

  send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  submit({ argv, cwd, env = {}, extra = {} }: CraftedJob): string {
    const jobId = randomUUID();
    const job = { jobId, session: null, jobClass: 'playback', title: 't', local: false, changes: [] };
    this.send({ type: 'submit', job: { ...job, argv, cwd, env, ...extra }, attempt: 0 });
    return jobId;
  }

  /** How the job ended. */
  async outcome(jobId: string): Promise<EndOfJob> {
    for (;;) {
      const status = this.#said.find((message) => message.jobId === jobId && message.outcome);
      if (status?.outcome) return status.outcome;
      if (this.closed) throw new Error(`closed: ${this.closed.code} ${this.closed.reason}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async end(): Promise<{ code: number; reason: string }> {
    while (!this.closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.closed;
  }

  close(): void {
    this.#socket.terminate();
  }
}
