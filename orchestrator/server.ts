import { dirname, join } from 'node:path';
import type { Clock } from '#shared/clock.ts';
import { CodedError } from '#shared/errors.ts';
import { httpAddress, listenOn } from '#shared/listening.ts';
import type { Logger } from '#shared/logger.ts';
import { Redactor } from '#shared/redact.ts';
import { isLoopback, listeningHost } from '#shared/settings/common.ts';
import { startTracing } from '#shared/tracing/tracing.ts';
import { createApp } from './api/app.ts';
import { Changes } from './api/changes.ts';
import { FirstSegments } from './api/firstSegments.ts';
import { addPeers } from './api/peers.ts';
import { publishChanges } from './api/publish.ts';
import { RecordViews } from './api/recordViews.ts';
import { addRoutes } from './api/routes.ts';
import { refuseOnStandby } from './api/standby.ts';
import { Views } from './api/views.ts';
import { coreSettingsOf, type OrchestratorSettings, type Tokens, tokensOf } from './config.ts';
import { Cluster } from './core/cluster.ts';
import { addDashboard } from './dashboard/assets.ts';
import { Driver } from './driver.ts';
import { Gateway } from './gateway/gateway.ts';
import { History } from './history/history.ts';
import { historyPath, openArchive } from './history/openArchive.ts';
import { journal } from './journal.ts';
import { type Candidacy, candidacyOf } from './leader/candidacy.ts';
import { LeaderMetrics } from './leader/metrics.ts';
import { OrchestratorMetrics } from './metrics.ts';
import { Records } from './records.ts';
import { BurstFile } from './scale/burstFile.ts';
import { BurstNote } from './scale/burstNote.ts';
import type { BurstStore } from './scale/burstStore.ts';
import { Scaling } from './scale/scaling.ts';
import { Timelines } from './timelines.ts';
import { traceQueue } from './traces.ts';

export interface RunningOrchestrator {
  readonly address: string;
  /** Resolves when it has led and does not any more: what it knows is of no use from then on. */
  readonly deposed: Promise<void>;
  stop(): Promise<void>;
}

/** Puts the orchestrator together and serves. */
export async function startOrchestrator(
  settings: OrchestratorSettings,
  clock: Clock,
  logger: Logger,
): Promise<RunningOrchestrator> {
  const tokens = tokensOf(settings);
  const host = hostFor(settings, tokens, logger);
  // Set below: an election begins once there is somebody to lead.
  let deposed = (_reason: string): void => undefined;
  const candidacy = await candidacyOf(settings, clock, logger, {
    elected: () => driver.handle({ type: 'elected' }),
    deposed: (reason) => deposed(reason),
  });
  const { leadership } = candidacy;
  const driver = new Driver(new Cluster(coreSettingsOf(settings), clock.now()), clock);
  const metrics = new OrchestratorMetrics(driver.cluster);
  const firstSegments = new FirstSegments(metrics.firstSegment);
  const ownTokens = Object.values(tokens);
  const views = new Views(driver.cluster, driver, firstSegments, new Redactor(ownTokens));
  const timelines = new Timelines(driver.cluster, clock, () => firstSegments.takeLongest());
  const changes = new Changes(clock);
  driver.observe(journal(logger, driver.cluster));
  driver.observe(metrics.observe);
  driver.observe(firstSegments.observe);
  const kept = new Records(driver.cluster);
  driver.observe(kept.observe);
  const records = new RecordViews(kept, ownTokens);
  driver.observe(publishChanges(changes, views, driver.cluster));
  const tracing = await startTracing({ settings, part: 'orchestrator', clock, logger });
  if (tracing) driver.observe(traceQueue(tracing));
  const scaling = new Scaling({
    ...{ driver, changes, clock, logger },
    specPath: settings.SCALE_SPEC,
    bursts: burstStoreOf(candidacy, historyPath(settings), logger),
    drainTimeoutMs: settings.DRAIN_TIMEOUT_MS,
    settleMs: settings.SCALE_SETTLE_MS,
    kubeconfig: settings.KUBECONFIG,
    leads: () => leadership.leads,
  });
  driver.observe(scaling.observe);
  metrics.tellScale(() => scaling.specified);
  const archive = openArchive(settings, clock, logger);
  const history = new History({ archive, cluster: driver.cluster, views, records, clock, logger });
  driver.observe(history.observe);
  metrics.watchHistory(history);
  void history.open();
  scaling.start();

  const gateway = new Gateway({
    ...{ driver, leadership, tokens, silenceMs: settings.WORKER_SILENCE_MS, clock, logger },
    records: kept,
  });
  const app = await createApp({ adminToken: tokens.admin, metricsPublic: settings.METRICS_PUBLIC }, logger);
  refuseOnStandby(app, leadership);
  addDashboard(app);
  const leaderMetrics = new LeaderMetrics(leadership);
  addRoutes(app, {
    ...{ driver, leadership, views, scaling, changes, history, records, timelines },
    stopping: () => gateway.closing,
    metrics: () => leaderMetrics.exposition(metrics),
  });
  addPeers(app, driver.cluster, gateway.refusals, clock);
  gateway.attach(app.server);
  await listenOn(host, (address) => app.listen({ host: address, port: settings.LISTENING_PORT }));
  const ended = new Promise<void>((resolve) => {
    deposed = () => {
      gateway.resign();
      resolve();
    };
  });
  candidacy.start();

  return {
    address: httpAddress(app.server),
    deposed: ended,
    async stop() {
      changes.close();
      driver.stop();
      timelines.stop();
      scaling.stop();
      // Until then it still answers /ready, with no. Who closes gives nothing away any more, so another may lead.
      await Promise.all([gateway.close(), candidacy.stop()]);
      await app.close();
      await history.stop();
      await tracing?.stop();
    },
  };
}

/** In the Lease where there is one, else in a file beside the history, else with the process. */
function burstStoreOf({ note }: Candidacy, history: string | null, logger: Logger): BurstStore | null {
  if (note) return new BurstNote(note, logger);
  return history === null ? null : new BurstFile(join(dirname(history), 'scale-bursts.json'), logger);
}

/** Without tokens anybody who reaches the port could run transcodes, so nobody but this machine may. */
function hostFor(settings: OrchestratorSettings, tokens: Tokens, logger: Logger): string {
  const open = Object.entries(tokens).flatMap(([role, token]) => (token === null ? [role] : []));
  const host = listeningHost(settings.LISTENING_HOST, open.length === 0);
  if (open.length === 0) return host;
  if (!isLoopback(host)) {
    throw new CodedError(
      'bad-settings',
      `LISTENING_HOST is ${host}, but there is no token for ${open.join(', ')}`,
      'set CLUSTERPLEX_TOKEN, or leave LISTENING_HOST out to serve this machine only',
    );
  }
  logger.warn({ open }, 'no token is set: serving this machine only. Set CLUSTERPLEX_TOKEN to serve others');
  return host;
}
