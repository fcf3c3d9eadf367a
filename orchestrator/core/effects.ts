import type { StoryEvent } from '#shared/job.ts';
import type { CloseName } from '#shared/protocol/closeCodes.ts';
import type { Attempt, ConnectionId, Job, Worker } from './model.ts';

export type WorkerChange = 'connected' | 'changed' | 'disconnected' | 'gone';

/**
 * What the core wants done. Telling somebody means sending the *present* state, whatever that is when the message
 * leaves: several of them to one receiver may become one message.
 */
export type Effect =
  | { readonly type: 'welcome'; readonly connection: ConnectionId }
  | {
      readonly type: 'tell-worker';
      readonly connection: ConnectionId;
      readonly worker: Worker;
      /** It may go with the next one, a little later: what has ended there need not be kept any longer. */
      readonly canWait: boolean;
    }
  | { readonly type: 'tell-relay'; readonly connection: ConnectionId; readonly job: Job }
  /** What PMS shares, for all workers. */
  | { readonly type: 'contract-changed' }
  | {
      readonly type: 'close';
      readonly connection: ConnectionId;
      readonly code: CloseName;
      readonly reason: string;
    }
  | {
      readonly type: 'job-changed';
      readonly job: Job;
      readonly event: StoryEvent | 'progress';
      readonly attempt: Attempt | null;
    }
  | { readonly type: 'worker-changed'; readonly worker: Worker; readonly change: WorkerChange }
  | { readonly type: 'relays-changed' };
