import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { type Capabilities, NO_CAPABILITIES } from '#shared/capabilities.ts';
import type { Clock, Timer } from '#shared/clock.ts';
import { serveHealth } from '#shared/health.ts';
import type { Logger } from '#shared/logger.ts';
import type { Check } from '#shared/protocol/check.ts';
import { Link } from '#shared/protocol/link.ts';
import { listeningHost } from '#shared/settings/common.ts';
import type { Environment } from '#shared/settings/read.ts';
import { mountTable } from '#shared/storage/mountTable.ts';
import { startTracing } from '#shared/tracing/tracing.ts';
import { adaptedCommand } from './adapt/command.ts';
import { ownEnv } from './adapt/env.ts';
import { mapPaths } from './adapt/pathMap.ts';
import { Agent } from './agent.ts';
import { type Places, whyRefused } from './attempts/admission.ts';
import { Attempts } from './attempts/attempts.ts';
import { checkTranscoder } from './capabilities/capabilities.ts';
import { softwareProved } from './capabilities/software.ts';
import { Trials } from './capabilities/trial.ts';
import { codecsOf } from './codecs/codecsOf.ts';
import { adaptationOf, nodeName, transcoderFile, type WorkerSettings, workerName } from './config.ts';
import { eaeOf } from './eae/eaeOf.ts';
import { Hardware } from './gpu/hardware.ts';
import { GpuMeter } from './gpu/meter.ts';
import { warmingTrial } from './gpu/proof.ts';
import { LoadMeter } from './load/load.ts';
import { WorkerMetrics } from './metrics.ts';
import { Prewarm, WARMING_NICENESS } from './prewarm.ts';
import { canTakeJobs, checksOf, whyNot } from './readiness.ts';
import { slotsFor } from './slots.ts';
import { Remounts } from './storage/remounts.ts';
import { Storage } from './storage/storage.ts';
import { traceAttempts } from './traces.ts';
import { FenceWatch } from './transcoder/fence.ts';
import { endLeftovers, Guardian } from './transcoder/guardian.ts';
import { OWNER_VARIABLE, ownerMark, thisOwner } from './transcoder/owner.ts';
import { TranscoderProcess } from './transcoder/process.ts';
import { standing } from './transcoder/standing.ts';
import { traffic } from './transcoder/traffic.ts';

/** How soon a transcoder that is not usable is tried again. */
const RETRY_CHECK_MS = 5_000;

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
  const instance = randomUUID();
  const token = settings.CLUSTERPLEX_WORKER_TOKEN ?? settings.CLUSTERPLEX_TOKEN;
  const given = transcoderFile(settings);
  /** Another one where that is PMS's hook. */
  let file = given;
  const owner = thisOwner(name);
  const mark = { [OWNER_VARIABLE]: ownerMark(owner) };
  const tracing = await startTracing({ settings, part: 'worker', clock, logger });
  endLeftovers(name, logger);
  const guardian = new Guardian(owner, { clock, random, logger });
  guardian.start();
  const fence = new FenceWatch(ownerMark(owner), mark, { clock, random, logger });
  fence.start();

  let transcoderProblem: string | null | undefined;
  let capabilities: Capabilities = NO_CAPABILITIES;
  let stopping = false;
  let retry: Timer | null = null;

  const surroundings = { settings, env, mark, clock, random, logger };
  const codecs = codecsOf({ ...surroundings, changed: () => void tryPlex() });
  const eae = eaeOf({ ...surroundings, owner, changed: () => agent.changedCapabilities() });
  /** What describes this machine. */
  const machine = (): Environment => ({ ...env, ...codecs.variables, ...eae.variables });
  const transcoder = {
    get file(): string {
      return file;
    },
    clock,
    // What is tried carries the mark, too: it must not outlive the worker.
    get env(): Environment {
      return { ...ownEnv(machine()), ...mark };
    },
  };
  const hardware = new Hardware({
    transcoder,
    logger,
    sessionLimit: settings.GPU_ENCODER_SESSIONS,
    changed: () => agent.changedCapabilities(),
  });
  const gpuMeter = new GpuMeter({
    ...transcoder,
    intervalMs: settings.STAT_CPU_INTERVAL,
    ids: () => new Set(hardware.gpus.map(({ id }) => id)),
  });
  const load = new LoadMeter(
    clock,
    settings.STAT_CPU_INTERVAL,
    () => gpuMeter.loads,
    (reading) => agent.measured(reading),
  );
  const slots = (): number => settings.WORKER_SLOTS || slotsFor(hardware.gpus, load.cpus);
  const storage = new Storage({
    ...{ declared: settings.MOUNTS, pathMap: settings.PATH_MAP, instance, clock },
    changed: () => agent.changedStorage(),
  });
  const remounts = new Remounts(clock, mountTable, (at) => {
    // First it must be known whether there is anything to go on with.
    void storage.lookAgain().then((isUsable) => {
      if (!isUsable) return;
      logger.warn({ at }, 'something else is mounted there now');
      attempts.leave(at, `something else is mounted at ${at} now`);
    });
  });
  const adaptation = adaptationOf(settings);
  const whatItCan = (): Capabilities => {
    return { ...capabilities, gpus: [...hardware.gpus], eae: eae.serves(capabilities.decoders), adaptation };
  };
  const places = (): Places => ({ mounts: storage.mounts, transcoderDirectory: dirname(file) });
  const checks = (): readonly Check[] =>
    checksOf({
      transcoder: {
        problem: transcoderProblem,
        note: file === given ? null : `${file}, behind PMS's hook`,
      },
      storage,
      codecs,
      eae,
      hardware,
      stopping,
      connected: agent.connected,
    });
  const attempts = new Attempts(
    {
      clock,
      logger,
      killGraceMs: settings.KILL_GRACE_MS,
      whyNotNow: () => {
        const problem = whyNot(checks());
        return problem ? `this worker is not ready: ${problem.name}: ${problem.message}` : null;
      },
      whyRefused: (job) => eae.whyRefused(job.argv) ?? whyRefused(mapPaths(job, settings.PATH_MAP), places()),
      commandOf: (given, attempt) => {
        eae.serve(attempts.commands);
        return adaptedCommand({ ...given, job: mapPaths(given.job, settings.PATH_MAP) }, attempt, {
          file,
          hwaccel: settings.FFMPEG_HWACCEL,
          capabilities: whatItCan(),
          env: machine(),
          places: places(),
          owner: ownerMark(owner),
        });
      },
      run: (options) => new TranscoderProcess({ ...options, fence }),
      signsOf: (pid) => ({ standing: standing(pid), traffic: traffic(pid) }),
      send: (output) => agent.send(output),
      record: (record) => agent.send(record),
      gpuFailed: (failure) => hardware.suspect(failure),
      fenceKilled: () => metrics.fenceKilled(),
      ...(tracing && { observe: traceAttempts(tracing, name) }),
    },
    () => {
      eae.serve(attempts.commands);
      prewarm.used();
      agent.changed();
    },
  );
  const agent = new Agent({
    name,
    instance,
    node: nodeName(settings),
    group: settings.WORKER_GROUP,
    slots,
    clock,
    openLink: (handlers) =>
      new Link({ role: 'worker', url: settings.ORCHESTRATOR_URL, token, clock, random, logger, handlers }),
    attempts: () => attempts,
    capabilities: whatItCan,
    storage: () => storage.mounts,
    shared: (contract) => storage.compare(contract),
    ready: () => canTakeJobs(checks()),
    checks: () => checks().filter(({ name }) => name !== 'orchestrator'),
    stopping: () => stopping,
  });
  const metrics = new WorkerMetrics({
    running: () => attempts.running,
    slots,
    mounts: () => storage.mounts,
    probes: () => storage.probes,
    load: () => load.load,
    gpus: () => hardware.gpus,
    checks,
    codecs: () => codecs,
    eae: () => eae,
  });

  const prewarm = new Prewarm({
    clock,
    isIdle: () => attempts.running === 0,
    // What a machine at this priority takes too long for says nothing of what it can do.
    warm: async () => {
      const idle = { ...transcoder, niceness: WARMING_NICENESS };
      await softwareProved(capabilities, idle);
      await new Trials(idle).failed(hardware.gpus.map(warmingTrial));
    },
  });

  let tried = Promise.resolve();
  // One after the other, so that the last word is of the last one.
  const tryTranscoder = (): Promise<void> => {
    tried = tried.then(tryTranscoderNow);
    return tried;
  };
  const tryTranscoderNow = async (): Promise<void> => {
    retry?.cancel();
    const found = await checkTranscoder(given, transcoder.env, clock);
    file = found.file;
    if (found.problem === null) await hardware.prove();
    if (stopping) return;
    if (found.problem !== transcoderProblem) {
      const level = found.problem === null ? 'info' : 'error';
      logger[level]({ file, problem: found.problem }, 'transcoder tried');
    }
    const { failures } = found;
    if (Object.keys(failures).length > 0) {
      logger.warn({ failures }, 'the transcoder lists what it fails at');
    }
    prewarm.used();
    transcoderProblem = found.problem;
    capabilities = found.capabilities;
    agent.changedCapabilities();
    if (found.problem !== null) retry = clock.after(RETRY_CHECK_MS, () => void tryTranscoder());
  };
  const tryPlex = (): Promise<void> => {
    if (codecs.needed) eae.start();
    return tryTranscoder();
  };
  const tryStorage = async (): Promise<void> => {
    await storage.start();
    void remounts.watch();
    const { problems = [] } = storage;
    if (problems.length > 0) logger.error({ problems }, 'storage is not usable');
  };

  const health = await serveHealth({
    host: listeningHost(settings.LISTENING_HOST, token !== null),
    port: settings.LISTENING_PORT,
    checks,
    metrics: () => metrics.exposition(),
  });
  load.start(settings.STAT_CPU_OPS_DURATION);
  // What it says in its first words should be true, so the connection waits for the trials.
  void Promise.all([codecs.start().then(tryPlex), tryStorage()]).then(() => {
    if (stopping) return;
    void gpuMeter.start();
    agent.start();
  });

  return {
    address: health.address,
    async stop(): Promise<void> {
      stopping = true;
      agent.changed();
      retry?.cancel();
      await attempts.close('the worker is stopping', settings.DRAIN_TIMEOUT_MS);
      codecs.stop();
      eae.stop();
      storage.stop();
      remounts.stop();
      load.stop();
      gpuMeter.stop();
      hardware.stop();
      prewarm.stop();
      agent.stop();
      await health.close();
      await tracing?.stop();
      // The guardian goes on until this process is gone: it ends what is left, such as a trial of the transcoder.
      fence.stop();
    },
  };
}
