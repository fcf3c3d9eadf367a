import { randomUUID } from 'node:crypto';
import type { Clock } from '#shared/clock.ts';
import type { Logger } from '#shared/logger.ts';
import { openKubernetes } from '../kubernetes.ts';
import { Election } from './election.ts';
import { LeaderLabel } from './leaderLabel.ts';
import { ALWAYS_LEADS, type Leadership } from './leadership.ts';
import { LeaseClient } from './leaseClient.ts';
import type { LeaseNote } from './leaseNote.ts';
import { type LeaderSettings, podName, refuseContradiction } from './settings.ts';

/** The next leader takes the label off, too. */
const LABEL_DEADLINE_MS = 500;

export interface CandidacyHandlers {
  readonly elected: () => void;
  /** It led, and never will again. */
  readonly deposed: (reason: string) => void;
}

/** This orchestrator's part in who leads. */
export interface Candidacy {
  readonly leadership: Leadership;
  /** What the next leader finds; null where there are no elections. */
  readonly note: LeaseNote | null;
  start(): void;
  /** Gives leadership back, if it has it. */
  stop(): Promise<void>;
}

const UNOPPOSED: Candidacy = {
  leadership: ALWAYS_LEADS,
  note: null,
  start: () => undefined,
  stop: () => Promise.resolve(),
};

/** @throws CodedError `bad-settings` when there can be no election as it is set up */
export async function candidacyOf(
  settings: LeaderSettings,
  clock: Clock,
  logger: Logger,
  handlers: CandidacyHandlers,
): Promise<Candidacy> {
  if (settings.LEADER_ELECTION === 'off') return UNOPPOSED;
  refuseContradiction(settings);
  const kubernetes = await openKubernetes(settings.KUBECONFIG, settings.LEASE_NAMESPACE);
  const client = new LeaseClient(kubernetes, settings.LEASE_NAME, settings.LEASE_DURATION_MS);
  const retryMs = settings.LEASE_RETRY_MS;
  const label = new LeaderLabel({
    ...{ kubernetes, podName: podName(settings), clock, logger, retryMs },
    timeoutMs: settings.LEASE_RENEW_DEADLINE_MS / 2,
    leads: () => election.leads,
  });
  const election = new Election({
    // A pod's next container is another process, and does not know what the one before it promised.
    identity: `${podName(settings)}_${randomUUID()}`,
    durationMs: settings.LEASE_DURATION_MS,
    renewDeadlineMs: settings.LEASE_RENEW_DEADLINE_MS,
    ...{ retryMs, random: Math.random, carryOut: client.carryOut, clock, logger },
    elected() {
      handlers.elected();
      void label.update();
    },
    deposed: handlers.deposed,
  });
  return {
    leadership: election,
    note: client,
    start() {
      void label.update();
      election.start();
    },
    async stop() {
      const released = election.release();
      const unlabelled = label.stop();
      await released;
      await Promise.race([
        unlabelled,
        new Promise<void>((resolve) => clock.after(LABEL_DEADLINE_MS, resolve)),
      ]);
    },
  };
}
