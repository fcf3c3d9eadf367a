import { NO_CAPABILITIES } from '#shared/capabilities.ts';
import type { AttemptStatus, JobSpec, Outcome } from '#shared/job.ts';
import type { WorkerHello, WorkerState } from '#shared/protocol/messages.ts';
import { requirementsOf } from '#shared/requirements.ts';
import { Cluster, desiredOf } from '../../../orchestrator/core/cluster.ts';
import type { Effect } from '../../../orchestrator/core/effects.ts';
import type { ClusterEvent } from '../../../orchestrator/core/events.ts';
import type { ConnectionId, Job, Worker } from '../../../orchestrator/core/model.ts';
import type { CoreSettings } from '../../../orchestrator/core/settings.ts';

export const SETTINGS: CoreSettings = {
  strategy: 'LOAD_TASKS',
  queueTimeoutMs: { playback: 5_000, background: 600_000 },
  resumeTimeoutMs: 30_000,
  workerReconnectMs: 2_000,
  silenceMs: 10_000,
  recoveryWindowMs: 3_000,
  relayReconnectMs: 30_000,
  earlyExitMs: 5_000,
  quarantineFailures: 3,
  quarantineMs: 60_000,
  stallMs: 10_000,
  drainTimeoutMs: 600_000,
  historySize: 100,
};

/** A cluster with its outside: connections that stay alive by themselves, and time that is moved by hand. */
export class World {
  #serial = 0;
  readonly cluster: Cluster;
  readonly settings: CoreSettings;
  /** Connections that say nothing any more. */
  readonly mute = new Set<ConnectionId>();
  now = 0;
  effects: readonly Effect[] = [];
  #connections = 0;

  constructor(settings: Partial<CoreSettings> = {}) {
    this.settings = { ...SETTINGS, ...settings };
    this.cluster = new Cluster(this.settings, 0);
  }

  /** One whose recovery window is over, as it is most of its life. */
  static settled(settings: Partial<CoreSettings> = {}): World {
    const world = new World(settings);
    world.advance(world.settings.recoveryWindowMs);
    return world;
  }

  handle(event: ClusterEvent): readonly Effect[] {
    this.effects = this.cluster.handle(event, this.now);
    return this.effects;
  }

  /** Lets time pass, deadline by deadline. */
  advance(ms: number): readonly Effect[] {
    const until = this.now + ms;
    const effects: Effect[] = [];
    for (let at = this.cluster.nextDeadline; at !== null && at <= until; at = this.cluster.nextDeadline) {
      this.now = Math.max(this.now, at);
      this.#keepAlive();
      effects.push(...this.handle({ type: 'tick' }));
    }
    this.now = until;
    this.#keepAlive();
    this.effects = effects;
    return effects;
  }

  worker(name: string, fields: Partial<WorkerHello> & Partial<WorkerHello['state']> = {}): ConnectionId {
    const connection = this.#connect();
    this.handle({ type: 'worker-hello', connection, hello: workerHello(name, fields) });
    return connection;
  }

  relay(
    name = 'relay',
    jobs: string[] = [],
    instance = `${name}-process`,
    serial = this.#serial++,
  ): ConnectionId {
    const connection = this.#connect();
    const hello = { type: 'hello', version: '1', name, instance, serial, jobs } as const;
    this.handle({ type: 'relay-hello', connection, hello });
    return connection;
  }

  submit(relay: ConnectionId, jobId: string, fields: Partial<JobSpec> = {}, attempt = 0): Job {
    const message = { type: 'submit', job: jobSpec(jobId, fields), attempt } as const;
    this.handle({ type: 'relay-message', connection: relay, message });
    return this.job(jobId);
  }

  release(relay: ConnectionId, jobId: string, onPms = false): void {
    const message = { type: 'release', jobId, ...(onPms && { onPms }) } as const;
    this.handle({ type: 'relay-message', connection: relay, message });
  }

  /** The worker says what it runs, having seen the orchestrator's latest list. */
  report(
    connection: ConnectionId,
    attempts: AttemptStatus[],
    fields: Partial<WorkerState> = {},
  ): readonly Effect[] {
    const state: WorkerState = {
      type: 'state',
      revision: this.workerOn(connection).revision,
      ready: true,
      draining: false,
      load: null,
      attempts,
      ...fields,
    };
    return this.handle({ type: 'worker-state', connection, state });
  }

  disconnect(connection: ConnectionId): readonly Effect[] {
    return this.handle({ type: 'disconnected', connection });
  }

  job(jobId: string): Job {
    const job = this.cluster.jobs.get(jobId) ?? this.cluster.history.get(jobId);
    if (!job) throw new Error(`there is no job ${jobId}`);
    return job;
  }

  workerCalled(name: string): Worker {
    const worker = this.cluster.workers.get(name);
    if (!worker) throw new Error(`there is no worker ${name}`);
    return worker;
  }

  workerOn(connection: ConnectionId): Worker {
    for (const worker of this.cluster.workers.values()) if (worker.connection === connection) return worker;
    throw new Error(`there is no worker on connection ${connection}`);
  }

  /** What the worker should run now, as `job/attempt`, with the signal of those that should end. */
  list(name: string): string[] {
    return desiredOf(this.workerCalled(name)).attempts.map(({ jobId, attempt, end }) => {
      return `${jobId}/${attempt}${end ? ` ${end}` : ''}`;
    });
  }

  /** Running attempts by worker, in the order in which the workers came. */
  spread(): number[] {
    return [...this.cluster.workers.values()].map(({ running }) => running);
  }

  /** Why connections were closed by the last event. */
  closed(): string[] {
    return this.effects.flatMap((effect) => {
      return effect.type === 'close' ? [`${effect.connection} ${effect.code}`] : [];
    });
  }

  #connect(): ConnectionId {
    this.#connections += 1;
    return this.#connections;
  }

  #keepAlive(): void {
    for (let connection = 1; connection <= this.#connections; connection += 1) {
      if (!this.mute.has(connection)) this.cluster.heard(connection, this.now);
    }
  }
}

export function workerHello(
  name: string,
  fields: Partial<WorkerHello> & Partial<WorkerHello['state']> = {},
): WorkerHello {
  const { revision = 0, ready = true, draining = false, load = null, attempts = [], ...hello } = fields;
  return {
    type: 'hello',
    version: '1',
    name,
    instance: `${name}-process`,
    slots: 1,
    capabilities: NO_CAPABILITIES,
    storage: [],
    ...hello,
    state: { revision, ready, draining, load, attempts },
  };
}

export function jobSpec(jobId: string, fields: Partial<JobSpec> = {}): JobSpec {
  return {
    jobId,
    session: null,
    jobClass: 'playback',
    title: 'film.mkv',
    local: true,
    argv: ['-i', '/mnt/media/film.mkv', 'dash'],
    env: {},
    cwd: '/transcode/Sessions/one',
    plexPass: false,
    changes: [],
    ...fields,
  };
}

const UNCHANGED = { changes: [], hardware: null };

export function preparing(jobId: string, attempt = 1): AttemptStatus {
  return { ...UNCHANGED, jobId, attempt, phase: 'preparing', outcome: null };
}

export function running(jobId: string, attempt = 1): AttemptStatus {
  return { ...UNCHANGED, jobId, attempt, phase: 'running', outcome: null };
}

export function ended(jobId: string, outcome: Partial<Outcome>, attempt = 1): AttemptStatus {
  return {
    jobId,
    attempt,
    ...UNCHANGED,
    phase: 'ended',
    outcome: {
      reason: 'exited',
      exitCode: null,
      signal: null,
      forced: false,
      message: null,
      stdoutBytes: 0,
      stderrBytes: 0,
      readError: null,
      ...outcome,
    },
  };
}

/** A worker as the core holds it, for modules that only look at one. */
export function workerModel(fields: Partial<Worker>): Worker {
  return {
    name: 'worker',
    instance: 'process',
    version: '1',
    slots: 1,
    capabilities: NO_CAPABILITIES,
    storage: [],
    checks: [],
    node: null,
    group: 'default',
    ordinal: null,
    records: false,
    connectedAt: 0,
    connection: 1,
    ready: true,
    draining: false,
    drained: false,
    leavingSince: null,
    scaled: false,
    failures: 0,
    quarantined: false,
    load: { cpu: 0, ops: 0 },
    sampledAt: 0,
    unsampled: 0,
    attempts: new Map(),
    running: 0,
    revision: 0,
    lastAssigned: 0,
    ...fields,
  };
}

/** A queued job as the core holds it. */
export function jobModel(order: number, fields: Partial<Job> = {}): Job {
  return {
    spec: jobSpec(`job-${order}`),
    requirements: requirementsOf([]),
    software: false,
    submittedAt: 0,
    order,
    holder: null,
    lastHolder: { instance: '', serial: 0 },
    released: false,
    lastAttempt: 0,
    current: null,
    attempts: [],
    avoid: new Set(),
    endRequested: null,
    accepted: null,
    waiting: null,
    outcome: null,
    endedAt: null,
    onPms: false,
    story: [],
    ...fields,
  };
}
