import type { Checkpoint } from '#shared/protocol/checkpoint.ts';
import type { End, RelayHello, Release, Submit, Waiting } from '#shared/protocol/messages.ts';
import type { RelayStorage } from '#shared/protocol/storage.ts';
import { publish } from './contract.ts';
import { doubtOf } from './doubt.ts';
import { release, requestEnd } from './lifecycle.ts';
import type { ConnectionId, Job, Relay } from './model.ts';
import { settleDoubt } from './retries.ts';
import type { CoreState } from './state.ts';
import { submit } from './submissions.ts';

/** A relay connected and names the jobs whose hooks it holds; their specs follow. */
export function relayHello(core: CoreState, connection: ConnectionId, hello: RelayHello): void {
  const { name, instance, serial, version } = hello;
  for (const peer of [...core.peers.values()]) {
    if (peer.kind !== 'relay' || peer.relay.instance !== instance) continue;
    if (peer.relay.serial > serial) {
      core.emit({
        type: 'close',
        connection,
        code: 'replaced',
        reason: 'the same process connected again before',
      });
      return;
    }
    disconnectOlder(core, peer.relay);
  }
  const relay: Relay = { connection, name, instance, serial, version, held: new Set() };
  core.peers.set(connection, { kind: 'relay', relay, lastHeard: core.now });
  core.emit({ type: 'welcome', connection });
  core.emit({ type: 'relays-changed' });
  const named = new Set(hello.jobs);
  for (const job of [...core.jobs.values()]) {
    const { instance: before, serial: last } = job.lastHolder;
    const left = job.holder === null && before === instance && last < serial;
    if (left && !named.has(job.spec.jobId)) release(core, job);
  }
}

function disconnectOlder(core: CoreState, relay: Relay): void {
  const reason = 'the same process connected again';
  core.peers.delete(relay.connection);
  core.deadlines.cancel(`silent:${relay.connection}`);
  core.emit({ type: 'close', connection: relay.connection, code: 'replaced', reason });
  relayDisconnected(core, relay);
}

/** The relay has a while to come back before its jobs count as abandoned. */
export function relayDisconnected(core: CoreState, relay: Relay): void {
  for (const job of relay.held) {
    job.holder = null;
    const { jobId } = job.spec;
    core.deadlines.set(`unheld:${jobId}`, core.now + core.settings.relayReconnectMs, {
      type: 'unheld',
      jobId,
    });
  }
  relay.held.clear();
  core.emit({ type: 'relays-changed' });
}

export function relayMessage(
  core: CoreState,
  relay: Relay,
  message: Submit | End | Release | Checkpoint | Waiting | RelayStorage,
): void {
  if (message.type === 'storage') {
    publish(core, relay, message.mounts);
    return;
  }
  if (message.type === 'submit') {
    leaveOtherRelay(core, message.job.jobId);
    relay.held.add(submit(core, relay, message.job, message.attempt));
    return;
  }
  const job = core.jobs.get(message.jobId);
  // Ended, released, or another relay's by now: the messages crossed.
  if (job?.holder !== relay.connection) return;
  switch (message.type) {
    case 'end':
      requestEnd(core, job, message.signal);
      break;
    case 'release':
      relay.held.delete(job);
      release(core, job, message.onPms);
      break;
    case 'checkpoint':
      checkpoint(core, job, message);
      break;
    case 'waiting':
      job.waiting = message.waiting ? message.attempt : null;
      break;
  }
}

/** A hook that reconnected may have found another relay. */
function leaveOtherRelay(core: CoreState, jobId: string): void {
  const job = core.jobs.get(jobId);
  if (!job || job.holder === null) return;
  const peer = core.peers.get(job.holder);
  if (peer?.kind === 'relay') peer.relay.held.delete(job);
}

function checkpoint(core: CoreState, job: Job, message: Checkpoint): void {
  const { type: _, jobId: __, ...accepted } = message;
  // What PMS has of an earlier attempt counts, too: the next one goes on from there.
  if (job.outcome || accepted.attempt < (job.accepted?.attempt ?? 0)) return;
  const before = job.accepted;
  const more = accepted.progress !== before?.progress || accepted.announced !== before?.announced;
  if (more && job.current?.number === accepted.attempt) job.current.progressedAt = core.now;
  job.accepted = accepted;
  core.emit({ type: 'job-changed', job, event: 'progress', attempt: job.current });
  if (job.current?.outcome && !doubtOf(job, job.current)) settleDoubt(core, job);
}
