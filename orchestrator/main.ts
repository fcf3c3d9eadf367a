import { systemClock } from '#shared/clock.ts';
import { runPart } from '#shared/main.ts';
import { orchestratorSettings } from './config.ts';
import { startOrchestrator } from './server.ts';

/** The platform starts it again, as a standby without a memory. */
const NOT_LEADING = 75;

await runPart({
  name: 'orchestrator',
  purpose: 'orchestrator/main.ts: gives the jobs of relays to workers',
  settings: orchestratorSettings,
  async start(settings, logger) {
    const { address, deposed, stop } = await startOrchestrator(settings, systemClock, logger);
    return { listening: address, stop, ended: deposed.then(() => NOT_LEADING) };
  },
});
