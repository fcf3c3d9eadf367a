import TinyQueue from 'tinyqueue';
import type { AttemptStatus } from '#shared/job.ts';
import { Cluster, desiredOf } from '../orchestrator/core/cluster.ts';
import type { Effect } from '../orchestrator/core/effects.ts';
import type { ClusterEvent } from '../orchestrator/core/events.ts';
import type { Worker } from '../orchestrator/core/model.ts';
import { leavers, nextReplicas, replicasKept } from '../orchestrator/core/ordinals.ts';
import { Scale } from '../orchestrator/core/scale.ts';
import { DEFAULT_GROUP, type GroupSpec } from '../orchestrator/core/scaleSpec.ts';
import { ended, jobSpec, running, SETTINGS, workerHello } from '../test/unit/core/world.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const SLOTS = 4;
/** From the order to a worker that takes jobs: scheduling, image, codecs, trials. */
export const START_MS = 40_000;
const TICK_MS = 1_000;
const RELAY = 1;
/** Connections of this world are never silent, and viewers wait as long as it takes. */
const NEVER = Number.MAX_SAFE_INTEGER / 4;

export interface Film {
  readonly at: number;
  readonly lastsMs: number;
}

export interface ScaledDay {
  /** Seconds, of each viewer. */
  readonly waited: readonly number[];
  readonly workerHours: number;
  /** How often the number of replicas was set. */
  readonly changes: number;
  /** Films that went to another worker at the drain limit, and those that a removed pod cut off. */
  readonly moved: number;
  readonly killed: number;
  /** By the hour. */
  readonly replicas: readonly (readonly [number, number])[];
}

/** The films of a day, on workers that are scaled as the spec says. */
export function scaledDay(spec: GroupSpec, films: readonly Film[]): ScaledDay {
  return new World(spec, films).run();
}

type Happening =
  | { readonly at: number; readonly type: 'film'; readonly jobId: string }
  | { readonly at: number; readonly type: 'started'; readonly name: string }
  | { readonly at: number; readonly type: 'ended'; readonly jobId: string; readonly attempt: number };

class World {
  readonly #cluster = new Cluster(
    {
      ...{ ...SETTINGS, silenceMs: NEVER, recoveryWindowMs: 0 },
      queueTimeoutMs: { playback: NEVER, background: NEVER },
    },
    0,
  );
  readonly #scale = new Scale();
  readonly #happenings = new TinyQueue<Happening>([], (one, other) => one.at - other.at);
  /** What is left of each film. */
  readonly #left: Map<string, number>;
  /** What runs on each pod. */
  readonly #pods = new Map<string, Map<string, AttemptStatus>>();
  readonly #waited = new Map<string, number>();
  #now = 0;
  #connections = RELAY;
  #replicas: number;
  #workerMs = 0;
  #changes = 0;
  #moved = 0;
  #killed = 0;
  #told = '';

  constructor(spec: GroupSpec, films: readonly Film[]) {
    this.#left = new Map(films.map(({ lastsMs }, index) => [`film-${index}`, lastsMs]));
    for (const [index, { at }] of films.entries()) {
      this.#happenings.push({ at, type: 'film', jobId: `film-${index}` });
    }
    this.#scale.specify(new Map([[DEFAULT_GROUP, spec]]), 0);
    this.#replicas = spec.desired;
    for (let ordinal = 0; ordinal < spec.desired; ordinal += 1) this.#connect(`w-${ordinal}`);
    const names = { version: '1', name: 'relay', instance: 'relay', serial: 0 };
    this.#handle({ type: 'relay-hello', connection: RELAY, hello: { type: 'hello', ...names, jobs: [] } });
  }

  run(): ScaledDay {
    const replicas: (readonly [number, number])[] = [];
    for (; this.#now < DAY_MS; this.#now += TICK_MS) {
      for (let next = this.#happenings.peek(); next && next.at <= this.#now; next = this.#happenings.peek()) {
        this.#happenings.pop();
        this.#happen(next);
      }
      if ((this.#cluster.nextDeadline ?? NEVER) <= this.#now) this.#handle({ type: 'tick' });
      this.#steer();
      this.#workerMs += this.#pods.size * TICK_MS;
      if (this.#now % (HOUR_MS / 4) === 0) replicas.push([this.#now / HOUR_MS, this.#replicas]);
    }
    return {
      ...{ waited: [...this.#waited.values()], workerHours: this.#workerMs / HOUR_MS, replicas },
      ...{ changes: this.#changes, moved: this.#moved, killed: this.#killed },
    };
  }

  #happen(happening: Happening): void {
    if (happening.type === 'started') {
      if (this.#pods.has(happening.name)) this.#connect(happening.name);
      return;
    }
    const { jobId } = happening;
    if (happening.type === 'film') {
      // Nobody runs it elsewhere: what is measured is the wait.
      const message = { type: 'submit', job: jobSpec(jobId, { local: false }), attempt: 0 } as const;
      this.#handle({ type: 'relay-message', connection: RELAY, message });
      return;
    }
    const current = this.#cluster.jobs.get(jobId)?.current;
    if (current?.number !== happening.attempt) return;
    this.#report(current.worker, ended(jobId, { exitCode: 0 }, happening.attempt));
    this.#handle({ type: 'relay-message', connection: RELAY, message: { type: 'release', jobId } });
  }

  /** As `Scaling` does it. */
  #steer(): void {
    this.#scale.look(this.#cluster, this.#now);
    const group = this.#scale.group(DEFAULT_GROUP, this.#now);
    const { desired } = group.decide(this.#now);
    const leaving = leavers(group.members, desired);
    const told = [...leaving].join();
    if (told !== this.#told) this.#handle({ type: 'scaled', groups: new Set([DEFAULT_GROUP]), leaving });
    this.#told = told;
    const kept = replicasKept(group.members, this.#now, SETTINGS.drainTimeoutMs);
    this.#bring(nextReplicas(this.#replicas, desired, kept));
  }

  #bring(replicas: number): void {
    if (replicas === this.#replicas) return;
    this.#changes += 1;
    for (let ordinal = this.#replicas; ordinal < replicas; ordinal += 1) {
      this.#pods.set(`w-${ordinal}`, new Map());
      this.#happenings.push({ at: this.#now + START_MS, type: 'started', name: `w-${ordinal}` });
    }
    for (let ordinal = replicas; ordinal < this.#replicas; ordinal += 1) {
      const name = `w-${ordinal}`;
      this.#killed += this.#pods.get(name)?.size ?? 0;
      this.#pods.delete(name);
      const connection = this.#cluster.workers.get(name)?.connection;
      if (connection) this.#handle({ type: 'disconnected', connection });
    }
    this.#replicas = replicas;
  }

  #connect(name: string): void {
    this.#connections += 1;
    this.#pods.set(name, new Map());
    const hello = workerHello(name, { slots: SLOTS, instance: `${name} ${this.#connections}` });
    this.#handle({ type: 'worker-hello', connection: this.#connections, hello });
  }

  #handle(event: ClusterEvent): void {
    for (const effect of this.#cluster.handle(event, this.#now)) this.#follow(effect);
  }

  /** Workers do at once what they are told. */
  #follow(effect: Effect): void {
    if (effect.type === 'job-changed' && effect.event === 'placed' && effect.attempt) {
      const { jobId, number, worker } = effect.attempt;
      if (number === 1) this.#waited.set(jobId, (this.#now - effect.job.submittedAt) / 1_000);
      this.#report(worker, running(jobId, number));
      this.#happenings.push({
        ...{ type: 'ended', jobId, attempt: number },
        at: this.#now + (this.#left.get(jobId) ?? 0),
      });
    } else if (effect.type === 'tell-worker') this.#handBack(effect.worker);
  }

  #handBack(worker: Worker): void {
    for (const { jobId, attempt, handBack } of desiredOf(worker).attempts) {
      if (!handBack || !this.#pods.get(worker.name)?.has(jobId)) continue;
      const startedAt = worker.attempts.get(jobId)?.assignedAt ?? this.#now;
      this.#left.set(jobId, Math.max(0, (this.#left.get(jobId) ?? 0) - (this.#now - startedAt)));
      this.#moved += 1;
      this.#report(worker.name, ended(jobId, { reason: 'lost' }, attempt));
    }
  }

  #report(name: string, status: AttemptStatus): void {
    const worker = this.#cluster.workers.get(name);
    const pod = this.#pods.get(name);
    if (!worker?.connection || !pod) throw new Error(`${name} is gone`);
    if (status.phase === 'ended') pod.delete(status.jobId);
    else pod.set(status.jobId, status);
    const attempts = [...pod.values(), ...(status.phase === 'ended' ? [status] : [])];
    const state = { revision: worker.revision, ready: true, draining: false, load: null, attempts };
    this.#handle({
      type: 'worker-state',
      connection: worker.connection,
      state: { type: 'state', ...state },
    });
  }
}
