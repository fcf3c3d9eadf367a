import type { AttemptStatus } from '#shared/job.ts';
import { outcomeWithoutProcess } from '#shared/job.ts';
import type { Mount, WorkerHello, WorkerState } from '#shared/protocol/messages.ts';
import { adopt, attemptEnded, attemptReported, dropOrphan, keepOrphan, letGoOrphan } from './attempts.ts';
import { dequeue, withdraw } from './lifecycle.ts';
import type { Attempt, ConnectionId, Job, Worker } from './model.ts';
import { ordinalOf } from './ordinals.ts';
import { DEFAULT_GROUP } from './scaleSpec.ts';
import { stillnessReported, watchStalls } from './stalls.ts';
import type { CoreState } from './state.ts';

/** A worker connected and says what it is and what it runs. */
export function workerHello(core: CoreState, connection: ConnectionId, hello: WorkerHello): void {
  const known = core.workers.get(hello.name);
  if (known && known.connection !== null && known.instance !== hello.instance) {
    const reason = `another live worker is called ${hello.name}; give each its own WORKER_NAME`;
    core.emit({ type: 'close', connection, code: 'name-taken', reason });
    return;
  }
  if (known && known.instance === hello.instance) disconnectOlder(core, known);
  else if (known) workerGone(core, known, 'the worker process was restarted');

  const worker = newWorker(core, connection, hello, known?.instance === hello.instance ? known : null);
  core.workers.set(worker.name, worker);
  core.peers.set(connection, { kind: 'worker', worker, lastHeard: core.now });
  core.deadlines.cancel(`gone:${worker.name}`);
  core.emit({ type: 'welcome', connection });
  for (const status of hello.state.attempts) claim(core, worker, status);
  for (const attempt of worker.attempts.values()) {
    // What it did not name it never received: it is on the list that goes out now.
    const named = hello.state.attempts.some((status) => isAbout(status, attempt));
    attempt.revision = named ? 0 : 1;
  }
  core.changedList(worker);
  core.emit({ type: 'worker-changed', worker, change: 'connected' });
}

function disconnectOlder(core: CoreState, worker: Worker): void {
  if (worker.connection === null) return;
  core.peers.delete(worker.connection);
  core.deadlines.cancel(`silent:${worker.connection}`);
  const reason = 'the same process connected again';
  core.emit({ type: 'close', connection: worker.connection, code: 'replaced', reason });
}

function newWorker(
  core: CoreState,
  connection: ConnectionId,
  hello: WorkerHello,
  before: Worker | null,
): Worker {
  const { name, instance, version, node = null, group = DEFAULT_GROUP, records = false } = hello;
  const { slots, capabilities, storage, checks = [], state } = hello;
  return {
    name,
    instance,
    version,
    node,
    group,
    ordinal: ordinalOf(name),
    records,
    slots,
    capabilities: core.words.of(capabilities),
    storage,
    checks,
    connectedAt: core.now,
    connection,
    ready: state.ready,
    draining: state.draining,
    drained: core.drained.has(name),
    leavingSince: core.leaving.get(name) ?? null,
    scaled: core.scaledGroups.has(group),
    failures: before?.failures ?? 0,
    quarantined: before?.quarantined ?? false,
    load: state.load ?? before?.load ?? { cpu: 0, ops: 0 },
    sampledAt: core.now,
    unsampled: 0,
    attempts: before?.attempts ?? new Map(),
    running: before?.running ?? 0,
    revision: 0,
    lastAssigned: before?.lastAssigned ?? 0,
  };
}

/** Decides about one attempt that a worker came with: known, adopted, kept until its relay comes, or not wanted. */
function claim(core: CoreState, worker: Worker, status: AttemptStatus): void {
  const held = worker.attempts.get(status.jobId);
  if (held && isAbout(status, held)) {
    attemptReported(core, held, status);
    stillnessReported(core, held, status);
    return;
  }
  const job = core.jobs.get(status.jobId);
  if (job) claimForJob(core, worker, job, status);
  else if (!core.history.has(status.jobId)) claimAsOrphan(core, worker, status);
}

function claimForJob(core: CoreState, worker: Worker, job: Job, status: AttemptStatus): void {
  if (job.outcome || status.attempt < job.lastAttempt) return;
  if (job.current) {
    // The same number elsewhere: whoever was placed by this orchestrator stays.
    if (status.attempt === job.current.number) return;
    withdraw(core, job.current);
  }
  dequeue(core, job);
  const given = job.attempts.find(({ number, worker: name }) => {
    return number === status.attempt && name === worker.name;
  });
  const attempt = given ?? attemptFrom(core, worker, status);
  attempt.phase = status.phase === 'preparing' ? 'preparing' : 'running';
  attempt.outcome = null;
  attempt.endedAt = null;
  adopt(core, job, attempt, worker);
  if (status.outcome) attemptEnded(core, attempt, status.outcome);
}

function claimAsOrphan(core: CoreState, worker: Worker, status: AttemptStatus): void {
  const other = core.orphans.get(status.jobId);
  if (other && other.number >= status.attempt) return;
  if (other) letGoOrphan(core, other);
  const orphan = attemptFrom(core, worker, status);
  keepOrphan(core, orphan, worker);
}

function attemptFrom(core: CoreState, worker: Worker, status: AttemptStatus): Attempt {
  return {
    jobId: status.jobId,
    number: status.attempt,
    worker: worker.name,
    assignedAt: core.now,
    adopted: true,
    progressedAt: core.now,
    stillSince: null,
    handBack: false,
    resume: null,
    software: false,
    encoder: null,
    changes: status.changes,
    hardware: status.hardware,
    blamed: false,
    revision: 0,
    phase: status.phase,
    startedAt: status.phase === 'preparing' ? null : core.now,
    endedAt: status.phase === 'ended' ? core.now : null,
    end: null,
    doubt: null,
    stoodAt: null,
    outcome: status.outcome,
  };
}

/** A worker says what it runs now. */
export function workerState(core: CoreState, worker: Worker, state: WorkerState): void {
  if (state.load) {
    worker.load = state.load;
    worker.sampledAt = core.now;
    worker.unsampled = 0;
  }
  const standing = worker.ready !== state.ready || worker.draining !== state.draining;
  worker.ready = state.ready;
  worker.draining = state.draining;
  const others =
    state.capabilities !== undefined ||
    state.checks !== undefined ||
    (state.slots ?? worker.slots) !== worker.slots ||
    (state.storage !== undefined && problemsOf(state.storage) !== problemsOf(worker.storage));
  worker.storage = state.storage ?? worker.storage;
  worker.checks = state.checks ?? worker.checks;
  if (state.capabilities) worker.capabilities = core.words.of(state.capabilities);
  worker.slots = state.slots ?? worker.slots;
  for (const status of state.attempts) {
    const held = worker.attempts.get(status.jobId);
    if (!held || !isAbout(status, held)) continue;
    attemptReported(core, held, status);
    stillnessReported(core, held, status);
  }
  if (worker.attempts.size > 0) forgottenAttempts(core, worker, state);
  if (state.load || standing || others) core.candidates.update(worker);
  if (standing) watchStalls(core, worker);
  if (!standing && !others) return;
  core.emit({ type: 'worker-changed', worker, change: 'changed' });
}

/** What of its mounts is worth telling: not every measurement. */
function problemsOf(storage: readonly Mount[]): string {
  return JSON.stringify(storage.map(({ path, problem }) => [path, problem]));
}

/** It has seen a list that names the attempt, and does not run it: the attempt is lost. */
function forgottenAttempts(core: CoreState, worker: Worker, state: WorkerState): void {
  const named = new Set(state.attempts.map(({ jobId }) => jobId));
  for (const attempt of [...worker.attempts.values()]) {
    if (attempt.revision > state.revision || named.has(attempt.jobId)) continue;
    if (attempt.phase === 'ended') withdraw(core, attempt);
    else
      attemptEnded(
        core,
        attempt,
        outcomeWithoutProcess('lost', `${worker.name} no longer knows the attempt`),
      );
  }
}

/** The connection broke: the worker has a while to come back with what it runs. */
export function workerDisconnected(core: CoreState, worker: Worker): void {
  worker.connection = null;
  core.candidates.update(worker);
  core.deadlines.set(`gone:${worker.name}`, core.now + core.settings.workerReconnectMs, {
    type: 'worker-gone',
    worker: worker.name,
  });
  core.emit({ type: 'worker-changed', worker, change: 'disconnected' });
}

/** The worker is not coming back, and what it ran is lost. */
export function workerGone(core: CoreState, worker: Worker, why: string): void {
  core.workers.delete(worker.name);
  core.candidates.remove(worker.name);
  core.deadlines.cancel(`gone:${worker.name}`);
  core.deadlines.cancel(`quarantine:${worker.name}`);
  core.deadlines.cancel(`stalled:${worker.name}`);
  for (const attempt of [...worker.attempts.values()]) {
    if (core.orphans.get(attempt.jobId) === attempt) dropOrphan(core, attempt);
    if (attempt.phase !== 'ended')
      attemptEnded(core, attempt, outcomeWithoutProcess('lost', `${worker.name} went away: ${why}`));
  }
  core.emit({ type: 'worker-changed', worker, change: 'gone' });
}

function isAbout(status: AttemptStatus, attempt: Attempt): boolean {
  return status.jobId === attempt.jobId && status.attempt === attempt.number;
}
