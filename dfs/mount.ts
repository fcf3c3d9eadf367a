import { systemClock } from '#shared/clock.ts';
import { CodedError } from '#shared/errors.ts';
import { serveHealth } from '#shared/health.ts';
import { runPart } from '#shared/main.ts';
import { ALL_INTERFACES } from '#shared/settings/common.ts';
import { mountSettings } from './config.ts';
import { Keeper } from './keeper.ts';
import { MountMetrics } from './metrics.ts';
import { Mounter } from './mounter.ts';
import { Servers } from './servers.ts';

await runPart({
  name: 'dfs-mount',
  purpose:
    'dfs/mount.ts: keeps what a storage node exports mounted here, and goes to the other one when that is lost',
  settings: mountSettings,
  async start(settings, logger) {
    const { DFS_PATH: path, DFS_SERVERS: given } = settings;
    if (given.length === 0) {
      throw new CodedError('bad-settings', 'DFS_SERVERS is missing', 'name the storage nodes: --help');
    }
    const servers = new Servers(given, settings.DFS_PROBE_PORT);
    const keeper = new Keeper({
      path,
      probeMs: settings.DFS_PROBE_MS,
      lostMs: settings.DFS_LOST_MS,
      servers,
      mounter: new Mounter({
        path,
        exported: settings.DFS_EXPORT,
        options: settings.DFS_OPTIONS,
        clock: systemClock,
      }),
      clock: systemClock,
      logger,
      remounted: (reason) => metrics.remounted(reason),
    });
    const metrics = new MountMetrics({
      checks: () => keeper.checks,
      servers: () => servers.known,
      mounted: () => keeper.server,
    });
    const health = await serveHealth({
      host: settings.LISTENING_HOST ?? ALL_INTERFACES,
      port: settings.LISTENING_PORT,
      checks: () => keeper.checks,
      metrics: () => metrics.exposition(),
    });
    void keeper.watch();
    return {
      listening: health.address,
      async stop() {
        keeper.stop();
        await health.close();
      },
    };
  },
});
