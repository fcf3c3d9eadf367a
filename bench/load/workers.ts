import type { WebSocket } from 'ws';
import { NO_CAPABILITIES } from '#shared/capabilities.ts';
import type { AttemptStatus, Outcome } from '#shared/job.ts';
import { encodeMessage } from '#shared/protocol/codec.ts';
import type { Message } from '#shared/protocol/messages.ts';
import { machineTime } from './clock.ts';
import { dialMany } from './peer.ts';
import type { WorkersPlan } from './plan.ts';

const DONE: Outcome = {
  ...{ reason: 'exited', exitCode: 0, signal: null, forced: false, message: null },
  ...{ stdoutBytes: 0, stderrBytes: 0, readError: null },
};

/** When each job came, by its id. */
type Starts = Map<string, number>;

/** Workers whose transcoders start at once and are done at once. */
export async function openWorkers(plan: WorkersPlan): Promise<Starts> {
  const starts: Starts = new Map();
  await dialMany(plan.count, plan.url, 'worker', (socket, index) => {
    if (plan.bare) answer(socket, starts);
    else new FakeWorker(socket, `w${index}`, plan, starts);
  });
  return starts;
}

function answer(socket: WebSocket, starts: Starts): void {
  socket.on('message', (data) => {
    const { job }: { job: { jobId: string } } = JSON.parse(String(data));
    starts.set(job.jobId, machineTime());
    for (const phase of ['running', 'ended']) socket.send(JSON.stringify({ jobId: job.jobId, phase }));
  });
}

class FakeWorker {
  readonly #socket: WebSocket;
  readonly #starts: Starts;
  readonly #attempts = new Map<string, AttemptStatus>();
  #revision = 0;

  constructor(socket: WebSocket, name: string, { slots, reportMs }: WorkersPlan, starts: Starts) {
    this.#socket = socket;
    this.#starts = starts;
    socket.on('message', (data) => this.#on(JSON.parse(String(data))));
    this.#send({
      ...{ type: 'hello', version: 'bench', name, instance: name, slots, storage: [] },
      capabilities: NO_CAPABILITIES,
      state: { revision: 0, ready: true, draining: false, load: { cpu: 0, ops: 0 }, attempts: [] },
    });
    // Spread over the interval, as workers are that were not started in the same instant.
    setTimeout(() => setInterval(() => this.#report(true), reportMs), Math.random() * reportMs);
  }

  #on(message: Message<'orchestratorToWorker'>): void {
    if (message.type !== 'desired') return;
    this.#revision = message.revision;
    const before = new Map(this.#attempts);
    this.#attempts.clear();
    let isNew = false;
    for (const { jobId, attempt } of message.attempts) {
      const known = before.get(jobId);
      isNew ||= !known;
      if (!known) this.#starts.set(jobId, machineTime());
      this.#attempts.set(
        jobId,
        known ?? { jobId, attempt, phase: 'running', changes: [], hardware: null, outcome: null },
      );
    }
    if (!isNew) return;
    this.#report(false);
    for (const [jobId, status] of this.#attempts) {
      if (status.phase === 'running') this.#attempts.set(jobId, { ...status, phase: 'ended', outcome: DONE });
    }
    this.#report(false);
  }

  #report(measured: boolean): void {
    const load = measured ? { cpu: 12.5, ops: 0 } : null;
    const attempts = [...this.#attempts.values()];
    this.#send({ type: 'state', revision: this.#revision, ready: true, draining: false, load, attempts });
  }

  #send(message: Message<'workerToOrchestrator'>): void {
    this.#socket.send(encodeMessage<'workerToOrchestrator'>(message));
  }
}
