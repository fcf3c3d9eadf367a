import type { Gpu } from '#shared/capabilities.ts';
import type { Outcome } from '#shared/job.ts';
import type { Attempt, Job, Worker } from './model.ts';

interface Card {
  /** Attempts that encode on it, on whichever worker. */
  readonly users: Set<Attempt>;
  /** How many sessions it was found to have, where that is less than it says: others may use it, too. */
  learnt: number;
}

/** Who encodes on which card: workers that share one share its encoder sessions. */
export class EncoderBudget {
  readonly #cards = new Map<string, Card>();
  readonly #cardOf = new Map<Attempt, string>();

  /** Attempts that encode on the card now. */
  used(id: string): number {
    return this.#cards.get(id)?.users.size ?? 0;
  }

  /** How many may; null without a limit. */
  limit({ id, sessionLimit }: Gpu): number | null {
    const limit = Math.min(sessionLimit ?? Infinity, this.#cards.get(id)?.learnt ?? Infinity);
    return Number.isFinite(limit) ? limit : null;
  }

  /**
   * Whether a card of the worker has a session for the job; true also for a job that needs none there.
   *
   * @param ending an attempt whose session is given back before that
   */
  hasRoom(worker: Worker, job: Job, ending: Attempt | null = null): boolean {
    const gpus = encodersFor(worker, job);
    const backOn = ending && this.cardOf(ending);
    return gpus.length === 0 || gpus.some((gpu) => this.#left(gpu) + Number(gpu.id === backOn) > 0);
  }

  /** What the attempt takes of its worker's cards: what its job asks for, until the worker says what it uses. */
  take(attempt: Attempt, worker: Worker, job: Job): void {
    const gpus = attempt.phase === 'preparing' ? encodersFor(worker, job) : encodersOf(worker, attempt);
    if (gpus.some(({ id }) => id === this.#cardOf.get(attempt))) return;
    this.release(attempt);
    const [first, ...others] = gpus;
    if (!first) return;
    const { id } = others.reduce((best, gpu) => (this.#left(gpu) > this.#left(best) ? gpu : best), first);
    this.#card(id).users.add(attempt);
    this.#cardOf.set(attempt, id);
  }

  /** The card that the attempt is counted on; null when none. */
  cardOf(attempt: Attempt): string | null {
    return this.#cardOf.get(attempt) ?? null;
  }

  /** The attempt no longer encodes; saying so twice changes nothing. */
  release(attempt: Attempt): void {
    const id = this.#cardOf.get(attempt);
    if (id === undefined) return;
    this.#cardOf.delete(attempt);
    const { users, learnt } = this.#card(id);
    users.delete(attempt);
    if (users.size === 0 && learnt === Infinity) this.#cards.delete(id);
  }

  /** The attempt has ended, and its end says something of its card. */
  ended(attempt: Attempt, outcome: Outcome): void {
    const id = this.#cardOf.get(attempt);
    this.release(attempt);
    if (id === undefined) return;
    if (outcome.gpuFailure === 'sessions') this.#card(id).learnt = Math.max(1, this.used(id));
    else if (hadSession(attempt, outcome) && this.#cards.has(id)) this.#card(id).learnt += 1;
  }

  #card(id: string): Card {
    const card = this.#cards.get(id) ?? { users: new Set(), learnt: Infinity };
    this.#cards.set(id, card);
    return card;
  }

  #left(gpu: Gpu): number {
    return (this.limit(gpu) ?? Infinity) - this.used(gpu.id);
  }
}

/** Whoever else used its card may have gone. Viewers stop and seek more often than they see the end. */
function hadSession({ startedAt, progressedAt }: Attempt, { reason, exitCode }: Outcome): boolean {
  if (reason === 'cancelled') return startedAt !== null && progressedAt > startedAt;
  return reason === 'exited' && exitCode === 0;
}

/** The worker's GPUs that would encode the job: hardware of another make does as well. */
function encodersFor({ capabilities }: Worker, { requirements, software }: Job): readonly Gpu[] {
  const encoder = requirements.hardware?.encoder ?? null;
  if (encoder === null || software) return [];
  const codec = encoder.replace(/_.*/, '_');
  return capabilities.gpus.filter(({ encoders }) => encoders.some((name) => name.startsWith(codec)));
}

/** The worker's GPUs that have the encoder that the attempt uses. */
function encodersOf({ capabilities }: Worker, { hardware }: Attempt): readonly Gpu[] {
  const encoder = hardware?.encoder ?? null;
  return encoder === null ? [] : capabilities.gpus.filter(({ encoders }) => encoders.includes(encoder));
}
