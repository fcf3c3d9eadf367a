import { chmodSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { Clock } from '#shared/clock.ts';
import type { Logger } from '#shared/logger.ts';
import type { JobLine } from '../hookProtocol.ts';
import { NO_WORKER } from './exit.ts';
import { HeldJob } from './heldJob.ts';
import { HookConnection } from './hookConnection.ts';
import { type IntakeOptions, takeIn } from './intake.ts';
import type { Jobs } from './jobs.ts';
import type { Records } from './records.ts';
import { clearSocketPath, unusable } from './socketPath.ts';

/** Owner and group: whoever may connect may start transcodes. */
const SOCKET_MODE = 0o660;

/** How long a hook may take to read its last lines: one that PMS does not read from reads nothing either. */
const CLOSE_MS = 1_000;

/** Serves the hooks of this host on a unix socket. */
export class HookServer {
  readonly #jobs: Jobs;
  readonly #intake: IntakeOptions;
  readonly #records: Records;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #server: Server;
  readonly #connections = new Set<HookConnection>();

  constructor(jobs: Jobs, intake: IntakeOptions, records: Records, clock: Clock, logger: Logger) {
    this.#jobs = jobs;
    this.#intake = intake;
    this.#records = records;
    this.#clock = clock;
    this.#logger = logger;
    this.#server = createServer((socket) => {
      let job: HeldJob | null = null;
      const hook: HookConnection = new HookConnection(socket, {
        line: (line) => {
          if (line.type === 'job') job = job ?? this.#take(line, hook);
          else if (job && line.type === 'signal') this.#jobs.signalled(job, line);
          else if (job && line.type === 'received') this.#jobs.received(job, line);
        },
        broken: (problem) => {
          this.#logger.error({ problem }, 'a hook broke the protocol: is it of the same version?');
          hook.close();
        },
        closed: () => {
          this.#connections.delete(hook);
          if (job) this.#jobs.hookClosed(job);
        },
      });
      this.#connections.add(hook);
    });
  }

  /** @throws CodedError `bad-settings` when there can be no socket at the path */
  async listen(path: string): Promise<void> {
    await clearSocketPath(path);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(unusable(error, path)));
      this.#server.listen(path, () => resolve());
    });
    chmodSync(path, SOCKET_MODE);
  }

  /** Hooks that are connected notice, and look for the next relay. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const connection of this.#connections) connection.close();
    const deadline = this.#clock.after(CLOSE_MS, () => {
      for (const connection of this.#connections) connection.destroy();
    });
    await closed;
    deadline.cancel();
  }

  #take(line: JobLine, hook: HookConnection): HeldJob | null {
    const intake = takeIn(line, this.#intake);
    if ('refusal' in intake) {
      this.#refuse(line, hook, intake.refusal);
      return null;
    }
    const { place, given } = intake;
    const spec = this.#intake.traced?.(intake.spec, line.startedAt ?? null) ?? intake.spec;
    this.#intake.taken?.(spec);
    const accepted = line.before ? this.#records.read(spec.jobId) : null;
    const job = new HeldJob(spec, hook, place, line.before, accepted, given);
    this.#jobs.hold(job);
    return job;
  }

  #refuse({ jobId, local }: JobLine, hook: HookConnection, reason: string): void {
    this.#logger.warn({ jobId, reason, local }, 'no worker can run this job');
    hook.send(local ? { type: 'local', reason, argv: null } : { type: 'exit', code: NO_WORKER });
    hook.close();
  }
}
