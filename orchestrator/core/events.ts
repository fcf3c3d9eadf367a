import type { EndSignal } from '#shared/job.ts';
import type { Checkpoint } from '#shared/protocol/checkpoint.ts';
import type {
  End,
  RelayHello,
  Release,
  Submit,
  Waiting,
  WorkerHello,
  WorkerState,
} from '#shared/protocol/messages.ts';
import type { RelayStorage } from '#shared/protocol/storage.ts';
import type { ConnectionId } from './model.ts';

/** Everything that can happen to the core. Messages are as they arrived; the gateway has checked their schema. */
export type ClusterEvent =
  | { readonly type: 'worker-hello'; readonly connection: ConnectionId; readonly hello: WorkerHello }
  | { readonly type: 'worker-state'; readonly connection: ConnectionId; readonly state: WorkerState }
  | { readonly type: 'relay-hello'; readonly connection: ConnectionId; readonly hello: RelayHello }
  | {
      readonly type: 'relay-message';
      readonly connection: ConnectionId;
      readonly message: Submit | End | Release | Checkpoint | Waiting | RelayStorage;
    }
  | { readonly type: 'disconnected'; readonly connection: ConnectionId }
  | { readonly type: 'cancel'; readonly jobId: string; readonly signal: EndSignal }
  | { readonly type: 'drain'; readonly worker: string; readonly drained: boolean }
  /** From now on it decides: what ran under the leader before it may still be on its way. */
  | { readonly type: 'elected' }
  /** Which groups are scaled, and who of them is to go. */
  | {
      readonly type: 'scaled';
      readonly groups: ReadonlySet<string>;
      readonly leaving: ReadonlySet<string>;
    }
  /** Time has passed: a deadline may be due. */
  | { readonly type: 'tick' };
