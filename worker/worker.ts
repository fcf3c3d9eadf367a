import { dirname } from 'node:path';
import { type Capabilities, NO_CAPABILITIES } from '#shared/capabilities.ts';
import type { Clock, Timer } from '#shared/clock.ts';
import type { Logger } from '#shared/logger.ts';
import { Link } from '#shared/protocol/link.ts';
import { listeningHost } from '#shared/settings/common.ts';
import type { Environment } from '#shared/settings/read.ts';
import { adaptedCommand } from './adapt/command.ts';
import { ownEnv } from './adapt/env.ts';
import { Agent } from './agent.ts';
import { whyRefused } from './attempts/admission.ts';
import { Attempts } from './attempts/attempts.ts';
import { checkTranscoder } from './capabilities/capabilities.ts';
import { adaptationOf, transcoderFile, type WorkerSettings, workerName } from './config.ts';
import { serveHealth } from './health.ts';
import { LoadMeter } from './load/load.ts';
import { WorkerMetrics } from './metrics.ts';
import { type Check, canTakeJobs, checksOf } from './readiness.ts';
import { Storage } from './storage/storage.ts';
import { FenceWatch } from './transcoder/fence.ts';
import { endLeftovers, Guardian } from './transcoder/guardian.ts';
import { OWNER_VARIABLE, ownerMark, thisOwner } from './transcoder/owner.ts';
import { TranscoderProcess } from './transcoder/process.ts';

/** How soon a transcoder that is not usable is tried again. */
const RETRY_CHECK_MS = 5_000;

/** CPU cores that one software transcode keeps busy, roughly: a 1080p stream at real time. */
const CPUS_PER_SLOT = 2;

export interface WorkerOptions {
  readonly settings: WorkerSettings;
  readonly env: Environment;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** Puts a worker together and lets it serve. */
export async function startWorker({ settings, env, clock, random, logger }: WorkerOptions) {
  const name = workerName(settings);
  const token = settings.CLUSTERPLEX_WORKER_TOKEN ?? settings.CLUSTERPLEX_TOKEN;
  const file = transcoderFile(settings);
  const owner = thisOwner(name);
  endLeftovers(name, logger);
  const guardian = new Guardian(owner, { clock, random, logger });
  guardian.start();
  const fence = new FenceWatch(
    ownerMark(owner),
    { [OWNER_VARIABLE]: ownerMark(owner) },
    { clock, random, logger },
  );
  fence.start();

  let transcoderProblem: string | null | undefined;
  let capabilities: Capabilities = NO_CAPABILITIES;
  let storageKnown = false;
  let stopping = false;
  let retry: Timer | null = null;

  const load = new LoadMeter(clock, settings.STAT_CPU_INTERVAL, (reading) => agent.measured(reading));
  const slots = settings.WORKER_SLOTS || Math.max(1, Math.round(load.cpus / CPUS_PER_SLOT));
  const storage = new Storage(settings.MOUNTS, clock, () => agent.changed());
  const checks = (): readonly Check[] =>
    checksOf({
      transcoderProblem,
      storageProblems: storageKnown ? storage.problems : undefined,
      stopping,
      connected: agent.connected,
    });
  const attempts = new Attempts(
    {
      clock,
      logger,
      killGraceMs: settings.KILL_GRACE_MS,
      whyNotNow: () => {
        const problem = checks().find(({ ok, name: check }) => !ok && check !== 'orchestrator');
        return problem ? `this worker is not ready: ${problem.name}: ${problem.message}` : null;
      },
      whyRefused: (job) => whyRefused(job, { mounts: storage.mounts, transcoderDirectory: dirname(file) }),
      commandOf: (given, attempt) =>
        adaptedCommand(given, attempt, {
          file,
          hwaccel: settings.FFMPEG_HWACCEL,
          capabilities,
          env,
          owner: ownerMark(owner),
        }),
      run: (options) => new TranscoderProcess({ ...options, fence }),
      send: (output) => agent.send(output),
    },
    () => agent.changed(),
  );
  const agent = new Agent({
    name,
    slots,
    clock,
    openLink: (handlers) =>
      new Link({ role: 'worker', url: settings.ORCHESTRATOR_URL, token, clock, random, logger, handlers }),
    attempts: () => attempts,
    capabilities: () => capabilities,
    storage: () => storage.mounts,
    ready: () => canTakeJobs(checks()),
    stopping: () => stopping,
  });
  const metrics = new WorkerMetrics({
    running: () => attempts.running,
    slots: () => slots,
    cpu: () => load.load.cpu,
    checks,
  });

  const tryTranscoder = async (): Promise<void> => {
    const found = await checkTranscoder(file, { ...ownEnv(env), [OWNER_VARIABLE]: ownerMark(owner) }, clock);
    if (stopping) return;
    if (found.problem !== transcoderProblem) {
      const level = found.problem === null ? 'info' : 'error';
      logger[level]({ file, problem: found.problem }, 'transcoder tried');
    }
    transcoderProblem = found.problem;
    capabilities = { ...found.capabilities, adaptation: adaptationOf(settings) };
    agent.changed();
    if (found.problem !== null) retry = clock.after(RETRY_CHECK_MS, () => void tryTranscoder());
  };
  const tryStorage = async (): Promise<void> => {
    await storage.start();
    storageKnown = true;
    if (storage.problems.length > 0) logger.error({ problems: storage.problems }, 'storage is not usable');
  };

  const health = await serveHealth({
    host: listeningHost(settings.LISTENING_HOST, token !== null),
    port: settings.LISTENING_PORT,
    checks,
    metrics: () => metrics.exposition(),
  });
  load.start(settings.STAT_CPU_OPS_DURATION);
  // What it says in its first words should be true, so the connection waits for the trials.
  void Promise.all([tryTranscoder(), tryStorage()]).then(() => {
    if (!stopping) agent.start();
  });

  return {
    address: health.address,
    async stop(): Promise<void> {
      stopping = true;
      agent.changed();
      retry?.cancel();
      await attempts.close('the worker is stopping', settings.DRAIN_TIMEOUT_MS);
      storage.stop();
      load.stop();
      agent.stop();
      await health.close();
      fence.stop();
      guardian.stop();
    },
  };
}
