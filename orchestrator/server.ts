import { dirname, join } from 'node:path';
import type { Clock } from '#shared/clock.ts';
import { CodedError } from '#shared/errors.ts';
import { httpAddress, listenOn } from '#shared/listening.ts';
import type { Logger } from '#shared/logger.ts';
import { isLoopback, listeningHost } from '#shared/settings/common.ts';
import { createApp } from './api/app.ts';
import { Changes } from './api/changes.ts';
import { FirstSegments } from './api/firstSegments.ts';
import { publishChanges } from './api/publish.ts';
import { addRoutes } from './api/routes.ts';
import { Views } from './api/views.ts';
import { coreSettingsOf, type OrchestratorSettings, type Tokens, tokensOf } from './config.ts';
import { Cluster } from './core/cluster.ts';
import { addDashboard } from './dashboard/assets.ts';
import { Driver } from './driver.ts';
import { Gateway } from './gateway/gateway.ts';
import { History } from './history/history.ts';
import { historyPath, openArchive } from './history/openArchive.ts';
import { journal } from './journal.ts';
import { OrchestratorMetrics } from './metrics.ts';
import { Scaling } from './scale/scaling.ts';
import { Timelines } from './timelines.ts';

export interface RunningOrchestrator {
  readonly address: string;
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
  const driver = new Driver(new Cluster(coreSettingsOf(settings), clock.now()), clock);
  const metrics = new OrchestratorMetrics(driver.cluster);
  const firstSegments = new FirstSegments(metrics.firstSegment);
  const views = new Views(driver.cluster, driver, firstSegments);
  const timelines = new Timelines(driver.cluster, clock, () => firstSegments.takeLongest());
  const changes = new Changes(clock);
  driver.observe(journal(logger, driver.cluster));
  driver.observe(metrics.observe);
  driver.observe(firstSegments.observe);
  driver.observe(publishChanges(changes, views, driver.cluster));
  const kept = historyPath(settings);
  const scaling = new Scaling({
    ...{ driver, changes, clock, logger },
    specPath: settings.SCALE_SPEC,
    burstPath: kept === null ? null : join(dirname(kept), 'scale-bursts.json'),
    drainTimeoutMs: settings.DRAIN_TIMEOUT_MS,
  });
  driver.observe(scaling.observe);
  metrics.tellScale(() => scaling.specified);
  const archive = openArchive(settings, clock, logger);
  const history = new History({ archive, cluster: driver.cluster, views, clock, logger });
  driver.observe(history.observe);
  void history.open();
  scaling.start();

  const gateway = new Gateway({ driver, tokens, silenceMs: settings.WORKER_SILENCE_MS, clock, logger });
  const app = await createApp({ adminToken: tokens.admin, metricsPublic: settings.METRICS_PUBLIC }, logger);
  addDashboard(app);
  addRoutes(app, {
    ...{ driver, views, scaling, changes, history, timelines },
    ready: () => !gateway.closing,
    metrics: () => metrics.exposition(),
  });
  gateway.attach(app.server);
  await listenOn(host, (address) => app.listen({ host: address, port: settings.LISTENING_PORT }));

  return {
    address: httpAddress(app.server),
    async stop() {
      changes.close();
      driver.stop();
      timelines.stop();
      scaling.stop();
      // Until then it still answers /ready, with no.
      await gateway.close();
      await app.close();
      await history.stop();
    },
  };
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
