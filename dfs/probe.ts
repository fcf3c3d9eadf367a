import { systemClock } from '#shared/clock.ts';
import { serveHealth } from '#shared/health.ts';
import { runPart } from '#shared/main.ts';
import { ALL_INTERFACES } from '#shared/settings/common.ts';
import { probeSettings } from './config.ts';
import { Exported } from './exported.ts';
import { probeMetrics } from './metrics.ts';

await runPart({
  name: 'dfs-probe',
  purpose: 'dfs/probe.ts: says whether what this storage node exports over NFS can be mounted',
  settings: probeSettings,
  async start(settings) {
    const exported = new Exported(settings.DFS_PATH, settings.DFS_NFS_PORT, systemClock);
    const checks = () => exported.checks;
    const health = await serveHealth({
      host: settings.LISTENING_HOST ?? ALL_INTERFACES,
      port: settings.LISTENING_PORT,
      checks,
      metrics: probeMetrics(checks),
      more: () => ({ instance: exported.instance }),
    });
    void exported.watch(settings.DFS_PROBE_MS);
    return {
      listening: health.address,
      async stop() {
        exported.stop();
        await health.close();
      },
    };
  },
});
