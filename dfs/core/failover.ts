/** A host that may serve the files. */
export interface Server {
  readonly address: string;
  /** It says that whoever mounts its export now gets the files. */
  readonly ready: boolean;
  /** Which mount it exports; null when it has none, undefined when that is not known. */
  readonly instance: string | null | undefined;
}

/** What is mounted here. */
export interface Mount {
  /** Whose export; null when nothing is mounted. */
  readonly server: string | null;
  /** Since when it is known. */
  readonly since: number;
  /** When it was asked the last time that it answered; null before the first. */
  readonly fineAt: number | null;
  /** What the last question got that neither hung nor was answered. */
  readonly failure: 'stale' | 'failed' | null;
}

export interface View {
  readonly now: number;
  readonly servers: readonly Server[];
  readonly mount: Mount;
}

export const REASONS = ['nothing-mounted', 'stale', 'failed', 'silent', 'restarted'] as const;
export type Reason = (typeof REASONS)[number];

/** Unmount what is there, and mount the export of this server. */
export interface Step {
  readonly server: string;
  readonly reason: Reason;
}

/** A server that could not be mounted, or has not answered since, is not tried again at once. */
export const RETRY_MS = 5_000;
/** The longest between two moves because of silence; nobody silent for as long, and the next is made at once. */
export const MOST_PAUSE_MS = 60_000;

/**
 * Which server's export is to be mounted. What answers stays, whoever else is ready: running transcodes would lose their
 * place for nothing. So a server that comes back waits until the other one is lost, and of two that are both ready
 * (split brain) the current one is kept.
 */
export class Failover {
  readonly #lostMs: number;
  /** When each server was tried that has not answered since. */
  readonly #tried = new Map<string, number>();
  /** Whose export it is, or was. */
  #server: string | null = null;
  /** Which mount of that server; undefined until it is known, null since it is gone. */
  #instance: string | null | undefined;
  /** Where both are slow, each move costs their readers more than it gains: so it waits twice as long as the one before. */
  #pauseMs = 0;
  #movedAt = Number.NEGATIVE_INFINITY;
  #silentAt = Number.NEGATIVE_INFINITY;

  /** @param lostMs how long what is mounted may not answer */
  constructor(lostMs: number) {
    this.#lostMs = lostMs;
  }

  /** @returns null when all may stay as it is, or nobody is there to go to */
  decide(view: View): Step | null {
    this.#follow(view);
    const reason = this.#why(view);
    const target = reason && this.#target(view, reason);
    if (!reason || !target || (reason === 'silent' && !this.#mayMove(view))) return null;
    this.#tried.set(target.address, view.now);
    this.#server = target.address;
    this.#instance = target.instance;
    return { server: target.address, reason };
  }

  #follow({ servers, mount: { server, fineAt } }: View): void {
    if (server === null) return;
    if (server !== this.#server) {
      // It was mounted before this process began.
      this.#server = server;
      this.#instance = undefined;
    }
    if (fineAt !== null) this.#tried.delete(server);
    const instance = servers.find(({ address }) => address === server)?.instance;
    if (instance === null || this.#instance === undefined) this.#instance = instance;
  }

  #why({ now, servers, mount }: View): Reason | null {
    if (mount.server === null) return 'nothing-mounted';
    if (mount.failure === 'stale') return 'stale';
    if (now - (mount.fineAt ?? mount.since) >= this.#lostMs) return mount.failure ?? 'silent';
    // Files of the new mount may have got the numbers by which the client still knows those of the old one.
    const current = servers.find(({ address }) => address === mount.server);
    return current?.ready && current.instance !== this.#instance ? 'restarted' : null;
  }

  #mayMove({ now }: View): boolean {
    if (now - this.#silentAt >= MOST_PAUSE_MS) this.#pauseMs = 0;
    this.#silentAt = now;
    if (now - this.#movedAt < this.#pauseMs) return false;
    this.#pauseMs = Math.min(2 * (this.#pauseMs || this.#lostMs), MOST_PAUSE_MS);
    this.#movedAt = now;
    return true;
  }

  #target({ now, servers }: View, reason: Reason): Server | undefined {
    const tried = ({ address }: Server): number => this.#tried.get(address) ?? Number.NEGATIVE_INFINITY;
    const isCurrent = ({ address }: Server): boolean => address === this.#server;
    const isLost = reason === 'failed' || reason === 'silent';
    const rank = (server: Server): number => Number(isCurrent(server) === isLost);
    return (
      servers
        .filter((server) => server.ready && now - tried(server) >= RETRY_MS)
        // What is silent may go on, and whoever reads from it, too: it is left only for another one.
        .filter((server) => reason !== 'silent' || !isCurrent(server))
        .toSorted((one, other) => compare(tried(one), tried(other)) || rank(one) - rank(other))[0]
    );
  }
}

/** More than one says that it serves, and each may have other files by now. */
export function isSplit(servers: readonly Server[]): boolean {
  return servers.filter(({ ready }) => ready).length > 1;
}

function compare(one: number, other: number): number {
  return one === other ? 0 : one - other;
}
