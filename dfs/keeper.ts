import { shortened } from '#shared/bytes.ts';
import type { Clock, Timer } from '#shared/clock.ts';
import type { Logger } from '#shared/logger.ts';
import { type Check, MAX_CHECK_LENGTH } from '#shared/protocol/check.ts';
import type { Mounted } from '#shared/storage/mountTable.ts';
import { Failover, isSplit, type Mount, type Reason, type Step } from './core/failover.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Mounter } from './mounter.ts';
import type { Servers } from './servers.ts';

export interface KeeperOptions {
  readonly path: string;
  readonly probeMs: number;
  readonly lostMs: number;
  readonly servers: Servers;
  readonly mounter: Mounter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The export of another server, or of the same one anew, is mounted now. */
  readonly remounted: (reason: Reason) => void;
}

/** What is known of one mount. */
interface Watched {
  readonly instance: string;
  readonly heartbeat: Heartbeat;
  readonly since: number;
  fineAt: number | null;
  failure: Mount['failure'];
}

/** Keeps the export of a server mounted: looks, lets `Failover` decide, and does it. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #failover: Failover;
  #mounted: Mounted | null = null;
  #watched: Watched | null = null;
  #beating = false;
  #problem: string | null = 'it is being looked at';
  #split = false;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#failover = new Failover(options.lostMs);
  }

  /** Whose export is mounted. */
  get server(): string | null {
    return this.#mounted && this.#options.mounter.serverOf(this.#mounted);
  }

  get checks(): readonly Check[] {
    const ready = this.#options.servers.known.filter((server) => server.ready);
    const names = ready.map(({ address }) => address).join(', ');
    const split = `${names} all say that they serve: stop all but ${this.server ?? 'one'}`;
    return [
      check('mount', this.#problem, true),
      check('servers', ready.length === 0 ? 'no storage node is ready' : null, false),
      check('split-brain', this.#split ? split : null, false),
    ];
  }

  /** Looks now, and from then on again and again. */
  async watch(): Promise<void> {
    const { servers, clock, probeMs } = this.#options;
    await Promise.all([servers.ask(), this.#look()]);
    if (this.#stopped) return;
    const step = this.#isForeign ? null : this.#failover.decide(this.#view());
    if (step) await this.#take(step);
    this.#tell();
    if (!this.#stopped) this.#timer = clock.after(probeMs, () => void this.watch());
  }

  /** What is mounted stays: transcodes may read from it while this program is exchanged. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  get #isForeign(): boolean {
    return this.#mounted !== null && this.server === null;
  }

  #view() {
    const { servers, clock } = this.#options;
    const now = clock.now();
    const { since = now, fineAt = null, failure = null } = this.#watched ?? {};
    return { now, servers: servers.known, mount: { server: this.server, since, fineAt, failure } };
  }

  async #look(): Promise<void> {
    const { path, mounter, clock, lostMs } = this.#options;
    this.#mounted = await mounter.mounted();
    const instance = this.#mounted?.instance;
    if (instance === undefined) this.#watched = null;
    else if (instance !== this.#watched?.instance) {
      const heartbeat = new Heartbeat(path, clock, lostMs);
      this.#watched = { instance, heartbeat, since: clock.now(), fineAt: null, failure: null };
      this.#beating = false;
    }
    if (this.#watched && !this.#beating) void this.#beat(this.#watched);
  }

  async #beat(watched: Watched): Promise<void> {
    const askedAt = this.#options.clock.now();
    this.#beating = true;
    const found = await watched.heartbeat.beat().catch(() => 'failed' as const);
    if (found === 'fine') watched.fineAt = askedAt;
    if (found !== null) watched.failure = found === 'fine' ? null : found;
    if (watched === this.#watched) this.#beating = false;
  }

  async #take({ server, reason }: Step): Promise<void> {
    const { logger, mounter, clock, remounted } = this.#options;
    const from = this.server;
    const since = clock.now();
    logger.warn({ server, reason, from }, 'mounting');
    const problem = await mounter.mount(server);
    const ms = Math.round(clock.now() - since);
    // The new mount may have got the number of the old one.
    this.#watched = null;
    await this.#look();
    if (problem === null) {
      logger.info({ server, reason, ms }, 'mounted');
      remounted(reason);
    } else logger.error({ server, reason, ms, problem }, 'could not be mounted');
  }

  #tell(): void {
    const { servers, logger } = this.#options;
    const split = isSplit(servers.known);
    if (split && !this.#split) logger.error({ server: this.server }, 'more than one storage node serves');
    this.#split = split;
    const problem = this.#whatIsWrong();
    if (problem !== this.#problem) {
      if (problem === null) logger.info({ server: this.server }, 'what is mounted answers');
      else logger.error({ server: this.server, problem }, 'what is mounted can not be used');
    }
    this.#problem = problem;
  }

  #whatIsWrong(): string | null {
    const { path, lostMs, clock } = this.#options;
    if (this.#mounted === null || this.#watched === null) return `nothing is mounted at ${path}`;
    const { source, type } = this.#mounted;
    if (this.#isForeign) return `${type} ${source} is mounted at ${path}, by somebody else: unmount it`;
    const { fineAt, since, failure } = this.#watched;
    if (failure === 'stale') return `${source} is stale`;
    if (failure !== null) return `${source} answers with errors`;
    if (fineAt === null) return `${source} has not answered yet`;
    return clock.now() - Math.max(fineAt, since) >= lostMs ? `${source} does not answer` : null;
  }
}

function check(name: string, problem: string | null, blocking: boolean): Check {
  return { name, ok: problem === null, message: problem && shortened(problem, MAX_CHECK_LENGTH), blocking };
}
