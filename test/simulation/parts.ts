import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { NO_CAPABILITIES } from '#shared/capabilities.ts';
import type { JobSpec } from '#shared/job.ts';
import type { Mount } from '#shared/protocol/messages.ts';
import type { CoreSettings } from '../../orchestrator/core/settings.ts';
import { Jobs } from '../../pms/relay/jobs.ts';
import { Agent } from '../../worker/agent.ts';
import { Attempts } from '../../worker/attempts/attempts.ts';
import { Wire } from './connection.ts';
import type { EventLoop } from './eventLoop.ts';
import type { SimMachine } from './machine.ts';
import { SimLink } from './network.ts';
import type { SimOrchestrator } from './orchestrator.ts';
import { SimProcess } from './process.ts';
import type { Random } from './random.ts';
import { type OwnerFiles, SimTranscoder } from './transcoder.ts';

export const SETTINGS: CoreSettings = {
  strategy: 'LOAD_TASKS',
  queueTimeoutMs: { playback: 5_000, background: 60_000 },
  resumeTimeoutMs: 30_000,
  workerReconnectMs: 2_000,
  silenceMs: 10_000,
  recoveryWindowMs: 3_000,
  relayReconnectMs: 30_000,
  earlyExitMs: 5_000,
  quarantineFailures: 2,
  quarantineMs: 20_000,
  stallMs: 4_000,
  drainTimeoutMs: 8_000,
  historySize: 1_000,
};

/** A transcoder ended by itself. */
export interface Exit {
  readonly jobId: string;
  readonly attempt: number;
  readonly code: number;
  /** Bytes that it had written, and how many of them to stdout. */
  readonly written: number;
  readonly stdout: number;
  /** It said of its input that it can't be read on. */
  readonly isUnread: boolean;
}

export const logger = pino({ level: 'silent' });
const KILL_GRACE_MS = 1_000;
/** What is hard needs another decoder. */
const HARD = ['-codec:0', 'hevc', '-i', 'film'];
const NOT_ABLE = { ...NO_CAPABILITIES, decoders: ['h264'] };

/** What all parts of one world share. */
export interface Surroundings {
  readonly loop: EventLoop;
  readonly random: Random;
  readonly owners: OwnerFiles;
  readonly transcoders: Set<SimTranscoder>;
  /** The orchestrator that leads now. */
  readonly orchestrator: () => SimOrchestrator | null;
  /** Whom a new connection reaches: it, or one that was deposed and is not gone yet. */
  readonly reached: () => SimOrchestrator | null;
  readonly violation: (text: string) => void;
  /** How transcoders ended by themselves. */
  readonly exits: Exit[];
}

export interface SimWorkerOptions {
  readonly name: string;
  readonly slots: number;
  /** It can do what is hard. */
  readonly isAble: boolean;
  readonly machine: SimMachine;
  readonly wire: Wire;
}

/** The real agent and attempts of a worker in a process. */
export class SimWorker {
  readonly name: string;
  readonly slots: number;
  readonly wire: Wire;
  readonly process: SimProcess;
  readonly attempts: Attempts;
  readonly link: SimLink<'worker'>;
  readonly agent: Agent;
  readonly #surroundings: Surroundings;
  ready: boolean;
  #isStopping = false;

  constructor(surroundings: Surroundings, { name, slots, isAble, machine, wire }: SimWorkerOptions) {
    const { loop, random, owners, transcoders, reached, violation, exits } = surroundings;
    this.#surroundings = surroundings;
    this.name = name;
    this.slots = slots;
    this.ready = !machine.storage.lasts;
    this.wire = wire;
    this.process = new SimProcess(machine);
    const { process } = this;
    const { clock } = process;
    this.attempts = new Attempts(
      {
        clock,
        logger,
        killGraceMs: KILL_GRACE_MS,
        whyNotNow: () => (this.ready ? null : 'storage is bad'),
        whyRefused: () => null,
        commandOf: ({ job: { cwd, argv } }) => ({
          ...{ changes: [], hardware: null, silent: false },
          command: {
            ...{ file: 't', argv, env: {}, cwd },
            confinement: { roots: [], files: [] },
            ownership: { file: 'o', number: 0, writer: '' },
          },
        }),
        run: (options) =>
          new SimTranscoder({
            ...{ random, owners, exits, live: transcoders, worker: process, workerName: name },
            process: options,
          }),
        signsOf: () => ({ standing: null, traffic: null }),
        send: (output) => this.agent.send(output),
        gpuFailed: () => undefined,
        record: () => undefined,
        fenceKilled: () => undefined,
      },
      () => this.agent.changed(),
    );
    const links: SimLink<'worker'>[] = [];
    this.agent = new Agent({
      name,
      instance: randomUUID(),
      group: 'default',
      node: name,
      slots: () => slots,
      checks: () => [],
      clock,
      openLink: (handlers) => {
        const link = new SimLink<'worker'>({
          ...{ role: 'worker', process, loop, random, wire, handlers, violation },
          server: () => {
            const to = reached();
            return to && { process: to.process, accept: (open) => to.hub.acceptWorker(open) };
          },
        });
        links.push(link);
        return link;
      },
      attempts: () => this.attempts,
      capabilities: () => (isAble ? NO_CAPABILITIES : NOT_ABLE),
      storage: (): Mount[] => [],
      ready: () => this.ready,
      stopping: () => this.#isStopping,
      shared: () => undefined,
    });
    const [link] = links;
    if (!link) throw new Error('the agent opened no link');
    this.link = link;
    this.agent.start();
  }

  setReady(ready: boolean): void {
    this.process.run(() => {
      this.ready = ready;
      this.agent.changed();
    });
  }

  /** SIGTERM: it goes when nothing runs any more. */
  stop(): void {
    this.process.run(() => {
      this.#isStopping = true;
      this.agent.changed();
      void this.attempts.close('the worker is stopping', SETTINGS.drainTimeoutMs);
      this.#leaveWhenIdle();
    });
  }

  #leaveWhenIdle(): void {
    this.process.clock.after(100, () => {
      if (this.attempts.running > 0) this.#leaveWhenIdle();
      else {
        this.agent.stop();
        this.process.alive = false;
      }
    });
  }

  /** SIGKILL: connection and transcoders go with it. */
  crash(): void {
    this.link.cut();
    this.process.alive = false;
    for (const transcoder of this.#surroundings.transcoders) {
      if (transcoder.workerName === this.name) transcoder.orphaned();
    }
  }
}

/** The real jobs of a relay in a process. */
export class SimRelay {
  readonly process: SimProcess;
  readonly wire: Wire;
  readonly jobs: Jobs;
  readonly link: SimLink<'relay'>;

  constructor({ loop, random, owners, reached, violation }: Surroundings, machine: SimMachine, wire: Wire) {
    this.process = new SimProcess(machine);
    this.wire = wire;
    const { process } = this;
    const links: SimLink<'relay'>[] = [];
    this.jobs = new Jobs({
      name: 'relay',
      clock: process.clock,
      logger,
      fence: ({ jobId }, done) => {
        owners.set(jobId, Number.MAX_SAFE_INTEGER);
        done(true);
      },
      dropped: () => undefined,
      waitMs: { local: 1_000, remoteOnly: 5_000, running: 60_000 },
      openLink: (handlers) => {
        const link = new SimLink<'relay'>({
          ...{ role: 'relay', process, loop, random, wire, handlers, violation },
          server: () => {
            const to = reached();
            return to && { process: to.process, accept: (open) => to.hub.acceptRelay(open) };
          },
        });
        links.push(link);
        return link;
      },
    });
    const [link] = links;
    if (!link) throw new Error('the relay opened no link');
    this.link = link;
    this.jobs.start();
  }

  /** It says once more that it holds this job. */
  submitAgain(jobId: string): void {
    this.process.run(() => {
      for (const { spec, attempt } of this.jobs.held) {
        if (spec.jobId === jobId) this.link.send({ type: 'submit', job: spec, attempt });
      }
    });
  }

  crash(): void {
    this.link.cut();
    this.process.alive = false;
  }
}

export function specOf(
  jobId: string,
  jobClass: JobSpec['jobClass'],
  local: boolean,
  isHard: boolean,
): JobSpec {
  return {
    ...{
      jobId,
      jobClass,
      local,
      plexPass: false,
      session: null,
      title: jobId,
      argv: ['-y', ...(isHard ? HARD : [])],
      env: {},
      cwd: '/transcode',
      changes: [],
    },
  };
}

export function newWire(random: Random): Wire {
  const wire = new Wire();
  wire.latency = random.pick([1, 5, 50]);
  return wire;
}
