import type { Capabilities } from '#shared/capabilities.ts';
import type { Clock } from '#shared/clock.ts';
import type { Check } from '#shared/protocol/check.ts';
import type { LinkHandlers, OpenLink } from '#shared/protocol/link.ts';
import type { JobMessage, Load, Message, Mount, WorkerHello } from '#shared/protocol/messages.ts';
import type { ContractMount } from '#shared/protocol/storage.ts';
import { VERSION } from '#shared/version.ts';
import type { Attempts } from './attempts/attempts.ts';

export interface AgentOptions {
  readonly name: string;
  /** Of this process. */
  readonly instance: string;
  /** The machine. */
  readonly node: string;
  /** Which workers it is scaled with. */
  readonly group: string;
  readonly clock: Clock;
  readonly openLink: OpenLink<'worker'>;
  /** Everything below is asked for anew with every message that says it. */
  attempts(): Attempts;
  slots(): number;
  capabilities(): Capabilities;
  storage(): readonly Mount[];
  ready(): boolean;
  checks(): readonly Check[];
  stopping(): boolean;
  /** What PMS shares. */
  shared(contract: readonly ContractMount[]): void;
}

/** Speaks for the worker: says what it is and runs, hears what it should run. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #link: ReturnType<OpenLink<'worker'>>;
  /** Jobs of this connection's `job` messages whose attempts have not yet been listed or are still listed. */
  readonly #jobs = new Map<string, JobMessage>();
  #revision = 0;
  #load: Load | null = null;
  #due = false;
  /** Slots and capabilities are no longer what was said last. */
  #othersDue = false;
  #storageDue = false;
  /** As they were said last. */
  #checksSaid = '';

  constructor(options: AgentOptions) {
    this.#options = options;
    const handlers: LinkHandlers<'worker'> = {
      hello: () => this.#hello(),
      message: (message) => this.#onMessage(message),
      lost: () => this.#jobs.clear(),
    };
    this.#link = options.openLink(handlers);
  }

  get connected(): boolean {
    return this.#link.up;
  }

  start(): void {
    this.#link.start();
  }

  /** Says what there is still to say, and goodbye. */
  stop(): void {
    if (this.#due) this.#sendState();
    this.#link.stop();
  }

  send(message: Message<'workerToOrchestrator'>): void {
    this.#link.send(message);
  }

  /** Something about this worker is different. All changes of one turn of the event loop travel together. */
  changed(): void {
    if (this.#due) return;
    this.#due = true;
    this.#options.clock.soon(() => {
      if (this.#due) this.#sendState();
    });
  }

  /** What this worker can do is another now. */
  changedCapabilities(): void {
    this.#othersDue = true;
    this.changed();
  }

  changedStorage(): void {
    this.#storageDue = true;
    this.changed();
  }

  measured(load: Load): void {
    this.#load = load;
    this.changed();
  }

  #onMessage(message: Message<'orchestratorToWorker'>): void {
    const attempts = this.#options.attempts();
    switch (message.type) {
      case 'welcome':
        attempts.resend();
        break;
      case 'contract':
        this.#options.shared(message.mounts);
        break;
      case 'job':
        this.#jobs.set(message.job.jobId, message);
        break;
      case 'desired': {
        this.#revision = message.revision;
        attempts.reconcile(message.attempts, (jobId) => this.#jobs.get(jobId));
        const listed = new Set(message.attempts.map(({ jobId }) => jobId));
        for (const jobId of this.#jobs.keys()) {
          if (!listed.has(jobId)) this.#jobs.delete(jobId);
        }
        this.changed();
        break;
      }
      case 'received':
        attempts.received(message);
        break;
    }
  }

  #hello(): WorkerHello {
    const { name, instance, node, group } = this.#options;
    this.#revision = 0;
    this.#due = false;
    this.#othersDue = false;
    this.#storageDue = false;
    return {
      type: 'hello',
      version: VERSION,
      name,
      instance,
      node,
      group,
      records: true,
      ...this.#others(),
      storage: [...this.#options.storage()],
      checks: this.#checks(),
      state: this.#state(),
    };
  }

  #sendState(): void {
    this.#due = false;
    if (!this.#link.up) return;
    const others = this.#othersDue ? this.#others() : {};
    const storage = this.#storageDue ? { storage: [...this.#options.storage()] } : {};
    this.#othersDue = false;
    this.#storageDue = false;
    const said = this.#checksSaid;
    const checks = this.#checks();
    const news = this.#checksSaid === said ? {} : { checks };
    this.#link.send({ type: 'state', ...this.#state(), ...others, ...storage, ...news });
  }

  #others(): Pick<WorkerHello, 'slots' | 'capabilities'> {
    return { slots: this.#options.slots(), capabilities: this.#options.capabilities() };
  }

  #checks(): Check[] {
    const checks = [...this.#options.checks()];
    this.#checksSaid = JSON.stringify(checks);
    return checks;
  }

  #state(): WorkerHello['state'] {
    const load = this.#load;
    this.#load = null;
    return {
      revision: this.#revision,
      ready: this.#options.ready(),
      draining: this.#options.stopping(),
      load,
      attempts: this.#options.attempts().statuses,
    };
  }
}
