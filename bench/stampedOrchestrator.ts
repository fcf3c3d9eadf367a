/** The orchestrator, saying on stdout when each job came, was placed and was started: `job submitted ID MILLISECONDS`. */
import { writeSync } from 'node:fs';
import { pino } from 'pino';
import { systemClock } from '#shared/clock.ts';
import { readSettings } from '#shared/settings/read.ts';
import { orchestratorSettings } from '../orchestrator/config.ts';
import { startOrchestrator } from '../orchestrator/server.ts';

const EVENTS = ['job submitted', 'job placed', 'job started', 'job ended'];

const stamps = pino(
  { level: 'info' },
  {
    write(line: string) {
      // Comparable between the processes of one machine.
      const at = performance.timeOrigin + performance.now();
      const { msg, jobId, worker } = JSON.parse(line);
      if (EVENTS.includes(msg) || msg === 'worker connected')
        writeSync(1, `${msg}\t${jobId ?? worker}\t${at}\n`);
    },
  },
);
const settings = readSettings(orchestratorSettings, { LISTENING_PORT: '0' }, () => '');
const { address, stop } = await startOrchestrator(settings, systemClock, stamps);
writeSync(1, `listening\t${address}\t0\n`);
process.once('SIGTERM', () => {
  stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
