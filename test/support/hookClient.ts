import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { JobLine } from '../../pms/hookProtocol.ts';

/** Speaks the hook's side of its protocol, so that a thousand jobs do not cost a thousand processes. */
export class HookClient {
  readonly jobId = randomUUID();
  /** Resolves with the relay's last word: `exit 7`, `local`, or `closed` when it said none. */
  readonly verdict: Promise<string>;
  readonly #socket: Socket;
  /** Bytes of output that came so far. */
  output = 0;
  #acknowledges = false;
  #onOutput: (() => void) | null = null;

  constructor(socketPath: string, job: Pick<JobLine, 'argv' | 'cwd'> & Partial<JobLine>) {
    this.#socket = connect(socketPath);
    this.verdict = new Promise((resolve) => {
      let last = 'closed';
      createInterface(this.#socket).on('line', (line) => {
        const { type, code, data } = JSON.parse(line);
        if (type === 'exit') last = `exit ${code}`;
        else if (type === 'local') last = 'local';
        else if (type === 'output') this.#received(Buffer.byteLength(data, 'base64'));
      });
      this.#socket.on('close', () => resolve(last));
      this.#socket.on('error', () => undefined);
    });
    const line: JobLine = {
      type: 'job',
      jobId: this.jobId,
      env: {},
      local: false,
      verbose: false,
      before: null,
      ...job,
    };
    this.#socket.write(`${JSON.stringify(line)}\n`);
  }

  async outputReaches(bytes: number): Promise<void> {
    while (this.output < bytes) {
      await new Promise<void>((resolve) => {
        this.#onOutput = resolve;
      });
    }
  }

  /** Confirms what came, which a hook does when it has written it, and from now on everything. */
  acknowledgeAll(): void {
    this.#acknowledges = true;
    this.#socket.write(`${JSON.stringify({ type: 'received', offset: this.output })}\n`);
  }

  #received(bytes: number): void {
    this.output += bytes;
    if (this.#acknowledges) this.acknowledgeAll();
    this.#onOutput?.();
  }

  /** As if PMS had killed it. */
  die(): void {
    this.#socket.destroy();
  }
}
