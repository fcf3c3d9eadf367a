import type { ScaleChange, ScaleGroupView, ScaleView } from '#shared/api/schemas.ts';
import { type Clock, type Timer, WallClock } from '#shared/clock.ts';
import { CodedError } from '#shared/errors.ts';
import type { Logger } from '#shared/logger.ts';
import type { Changes } from '../api/changes.ts';
import { jobState } from '../core/model.ts';
import { leavers, replicasKept } from '../core/ordinals.ts';
import { Scale } from '../core/scale.ts';
import type { Decision, ScaleGroup } from '../core/scaleGroup.ts';
import { DEFAULT_GROUP, UNSPECIFIED } from '../core/scaleSpec.ts';
import type { Driver, Observer } from '../driver.ts';
import { Applier } from './applier.ts';
import type { BurstStore } from './burstStore.ts';
import { groupView, scaleView } from './scaleView.ts';
import type { SpecifiedGroup } from './spec.ts';
import { SpecFile } from './specFile.ts';
import { statefulSetReplicas } from './statefulSet.ts';

const TICK_MS = 1_000;

export interface ScalingOptions {
  readonly driver: Driver;
  readonly changes: Changes;
  readonly specPath: string | null;
  /** Null: bursts end with the process. */
  readonly bursts: BurstStore | null;
  readonly drainTimeoutMs: number;
  /** How long workers may take to come back to a new leader. */
  readonly settleMs: number;
  /** Null: the service account of the pod. */
  readonly kubeconfig: string | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Who does not lead tells how it sees the scale, and changes nothing. */
  readonly leads?: () => boolean;
}

/** Looks once a second at how many workers there should be, tells the core who is to go, and scales what it may. */
export class Scaling {
  readonly #options: ScalingOptions;
  readonly #scale = new Scale();
  readonly #wall: WallClock;
  readonly #specFile: SpecFile | null;
  readonly #appliers = new Map<string, Applier>();
  readonly #stopped = new AbortController();
  #specified: ReadonlyMap<string, SpecifiedGroup> = new Map();
  /** Groups whose bounds an API call has set. */
  readonly #overridden = new Set<string>();
  /** Of each group that is scaled, how few replicas leave nobody out who is to stay. */
  #kept: ReadonlyMap<string, number> = new Map();
  #leadsSince: number | null = null;
  #told = '';
  #published = '';
  #isAnybodyLeaving = false;
  #restored: Promise<void> | null = null;
  #isLookingSoon = false;
  #timer: Timer | null = null;

  constructor(options: ScalingOptions) {
    const { driver, specPath, logger } = options;
    this.#options = options;
    this.#wall = new WallClock(driver);
    this.#specFile =
      specPath === null ? null : new SpecFile(specPath, logger, (groups) => this.specify(groups));
    this.#scale.specify(new Map([[DEFAULT_GROUP, UNSPECIFIED]]), driver.now());
  }

  start(): void {
    this.#tick();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#stopped.abort();
  }

  readonly observe: Observer = (effect) => {
    if (effect.type !== 'job-changed') return;
    const { job, event } = effect;
    if (event === 'ended' && job.outcome?.reason === 'no-worker') {
      this.#scale.miss(job, this.#options.driver.now());
    }
    // Somebody waits, for a worker that was to go: else the next look is soon enough.
    const isWaiting = event === 'queued' && jobState(job) === 'queued';
    if (!isWaiting || !this.#isAnybodyLeaving || this.#isLookingSoon) return;
    this.#isLookingSoon = true;
    this.#options.clock.soon(() => {
      this.#isLookingSoon = false;
      this.#steer();
    });
  };

  /** @param name of one group: then the sums are its own */
  view(name?: string): ScaleView {
    const views = this.#groupViews();
    const problem = this.#specFile?.problem ?? null;
    if (name === undefined) return scaleView(views, problem);
    const one = this.#named(name);
    return scaleView(
      views.filter((view) => view.name === one.name),
      problem,
    );
  }

  /** Those that somebody has specified. */
  get specified(): readonly ScaleGroupView[] {
    return this.#groupViews().filter(({ setBy }) => setBy !== null);
  }

  change({ group: name, burst, ...bounds }: ScaleChange): void {
    const { driver } = this.#options;
    this.#look();
    const group = this.#named(name);
    if (Object.keys(bounds).length > 0) {
      group.change(bounds);
      this.#overridden.add(group.name);
    }
    if (burst) {
      group.burst({ workers: burst.workers, until: driver.now() + burst.minutes * 60_000 });
      void this.#keepBursts();
    }
    this.#published = '';
    this.#steer();
  }

  readonly #tick = (): void => {
    this.#timer = this.#options.clock.after(TICK_MS, this.#tick);
    void this.#specFile?.poll();
    this.#steer();
  };

  #look(): ReadonlyMap<string, Decision> {
    const { cluster } = this.#options.driver;
    const now = this.#options.driver.now();
    this.#scale.look(cluster, now);
    return new Map([...this.#scale.groups].map(([name, group]) => [name, group.decide(now)]));
  }

  #steer(): void {
    const { driver, leads = () => true } = this.#options;
    const decisions = this.#look();
    if (leads()) {
      this.#restored ??= this.#restoreBursts();
      this.#leadsSince ??= driver.now();
      this.#bringIntoLine(decisions, driver.now() - this.#leadsSince);
    } else {
      this.#leadsSince = null;
      this.#kept = new Map();
      for (const group of this.#scale.groups.values()) group.presumeBusy(driver.now());
      for (const applier of this.#appliers.values()) applier.hold();
    }
    const news = JSON.stringify([...decisions]);
    if (news === this.#published) return;
    this.#published = news;
    this.#options.changes.publish(() => ({ event: 'scale', key: 'scale', data: this.view() }));
  }

  /** @param ledFor who is there and what jobs needed before that nobody here knows: nothing is made smaller for a while */
  #bringIntoLine(decisions: ReadonlyMap<string, Decision>, ledFor: number): void {
    const { driver, drainTimeoutMs, settleMs } = this.#options;
    const scaled = [...this.#specified].flatMap(([name, { spec }]) => {
      const group = this.#scale.groups.get(name);
      const desired = decisions.get(name)?.desired;
      if (spec.scalable === false || !group || desired === undefined) return [];
      return [{ name, group, desired, mayShrink: ledFor >= Math.max(spec.stabilisationMs, settleMs) }];
    });
    const groups = new Set(scaled.map(({ name }) => name));
    const leaving = new Set(
      scaled.flatMap(({ group, desired, mayShrink }) =>
        mayShrink ? [...leavers(group.members, desired)] : [],
      ),
    );
    const told = JSON.stringify([[...groups], [...leaving]]);
    if (told !== this.#told) {
      this.#told = told;
      this.#isAnybodyLeaving = leaving.size > 0;
      driver.handle({ type: 'scaled', groups, leaving });
    }
    this.#kept = new Map(
      scaled.map(({ name, group, mayShrink }) => {
        return [name, mayShrink ? replicasKept(group.members, driver.now(), drainTimeoutMs) : Infinity];
      }),
    );
    for (const { name, desired } of scaled) {
      void this.#appliers.get(name)?.want(desired, this.#kept.get(name) ?? Infinity);
    }
  }

  /** What the file says. */
  specify(groups: ReadonlyMap<string, SpecifiedGroup>): void {
    const { driver, clock, logger, kubeconfig } = this.#options;
    const before = this.#specified;
    this.#specified = groups;
    this.#overridden.clear();
    this.#scale.specify(new Map([...groups].map(([name, { spec }]) => [name, spec])), driver.now());
    for (const [group, { apply }] of new Map([...before, ...groups])) {
      const now = groups.get(group)?.apply ?? null;
      if (this.#appliers.has(group) && JSON.stringify(before.get(group)?.apply) === JSON.stringify(now))
        continue;
      this.#appliers.delete(group);
      if (!now || !apply) continue;
      const open = () => statefulSetReplicas(now, kubeconfig, this.#stopped.signal);
      this.#appliers.set(group, new Applier({ group, open, clock, logger, stopped: this.#stopped.signal }));
    }
    this.#steer();
  }

  #groupViews(): ScaleGroupView[] {
    const decisions = this.#look();
    const now = this.#options.driver.now();
    return [...this.#scale.groups.values()].flatMap((group) => {
      const { name } = group;
      const decision = decisions.get(name);
      if (!decision) return [];
      const fromFile = this.#specified.has(name) ? 'file' : null;
      const setBy = this.#overridden.has(name) ? 'api' : fromFile;
      const problem = this.#appliers.get(name)?.problem ?? null;
      // Before a leader has looked, nobody knows who is to stay.
      const kept = this.#kept.get(name) ?? (group.spec.scalable === false ? 0 : Infinity);
      return [groupView({ group, decision, kept, setBy, problem }, now, (moment) => this.#time(moment))];
    });
  }

  #named(name: string | undefined): ScaleGroup {
    const { groups } = this.#scale;
    const [only, ...others] = groups.values();
    const group =
      groups.get(name ?? DEFAULT_GROUP) ?? (name === undefined && others.length === 0 ? only : null);
    if (group) return group;
    const names = [...groups.keys()].join(', ');
    if (name === undefined) {
      throw new CodedError('bad-request', 'there are several groups: say which', `name one of ${names}`);
    }
    throw new CodedError('not-found', `no group is called ${name}`, `there are: ${names}`);
  }

  #time(moment: number): string {
    return this.#wall.at(moment).toISOString();
  }

  /** By the first look as a leader: until then another one may add some. */
  async #restoreBursts(): Promise<void> {
    const { driver, bursts, logger } = this.#options;
    const kept = (await bursts?.read()) ?? [];
    const now = driver.now();
    for (const { group, workers, until } of kept) {
      const left = until - this.#wall.at(now).getTime();
      if (left <= 0) continue;
      this.#scale.group(group, now).burst({ workers, until: now + left });
      logger.info({ group, workers, minutes: Math.ceil(left / 60_000) }, 'a burst goes on');
    }
  }

  async #keepBursts(): Promise<void> {
    // Else those of the file would be lost that nobody has read yet.
    this.#restored ??= this.#restoreBursts();
    await this.#restored;
    const now = this.#options.driver.now();
    const bursts = [...this.#scale.groups].flatMap(([group, each]) =>
      each.activeBursts(now).map(({ workers, until }) => {
        return { group, workers, until: this.#wall.at(until).getTime() };
      }),
    );
    await this.#options.bursts?.write(bursts);
  }
}
