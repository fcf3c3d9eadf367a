import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Cluster } from '../../../orchestrator/core/cluster.ts';
import { Driver } from '../../../orchestrator/driver.ts';
import { journal } from '../../../orchestrator/journal.ts';
import { SETTINGS } from '../core/world.ts';
import { FakeClock } from './fakeClock.ts';

test('relays come and go in the log, also one that replaces itself', () => {
  const lines: string[] = [];
  const logger = pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(line) });
  const clock = new FakeClock();
  const driver = new Driver(new Cluster(SETTINGS, clock.now()), clock);
  driver.observe(journal(logger, driver.cluster));
  const hello = { type: 'hello', version: '1', name: 'pms', instance: 'i', serial: 0, jobs: [] } as const;
  driver.handle({ type: 'relay-hello', connection: 1, hello: { ...hello, jobs: [] } });
  driver.handle({ type: 'relay-hello', connection: 2, hello: { ...hello, jobs: [] } });
  driver.handle({ type: 'disconnected', connection: 2 });
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 30, relay: 'pms', msg: 'relay connected' },
    { level: 30, relay: 'pms', msg: 'relay disconnected' },
    { level: 30, relay: 'pms', msg: 'relay connected' },
    { level: 30, relay: 'pms', msg: 'relay disconnected' },
  ]);
});
