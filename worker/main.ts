import { systemClock } from '#shared/clock.ts';
import { runPart } from '#shared/main.ts';
import { environment } from '#shared/settings/environment.ts';
import { workerSettings } from './config.ts';
import { startWorker } from './worker.ts';

await runPart({
  name: 'worker',
  purpose: 'worker/main.ts: runs the transcodes that the orchestrator gives it',
  settings: workerSettings,
  async start(settings, logger) {
    const env = environment();
    const { address, stop } = await startWorker({
      settings,
      env,
      clock: systemClock,
      random: Math.random,
      logger,
    });
    return { listening: address, patienceMs: settings.DRAIN_TIMEOUT_MS, stop };
  },
});
