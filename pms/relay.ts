import { systemClock } from '#shared/clock.ts';
import { runPart } from '#shared/main.ts';
import { relaySettings } from './config.ts';
import { startRelay } from './relay/relay.ts';

await runPart({
  name: 'relay',
  purpose: 'pms/relay.ts: brings the jobs of PMS’s hooks to the orchestrator, and their callbacks to PMS',
  settings: relaySettings,
  start: (settings, logger) => startRelay({ settings, clock: systemClock, random: Math.random, logger }),
});
