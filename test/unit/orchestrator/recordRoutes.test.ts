import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { KeptRecord } from '#shared/api/records.ts';
import { createApp } from '../../../orchestrator/api/app.ts';
import { addRecords } from '../../../orchestrator/api/recordRoutes.ts';
import { RecordViews } from '../../../orchestrator/api/recordViews.ts';
import { Views } from '../../../orchestrator/api/views.ts';
import { Driver } from '../../../orchestrator/driver.ts';
import type { Archive } from '../../../orchestrator/history/archive.ts';
import { History } from '../../../orchestrator/history/history.ts';
import { Records } from '../../../orchestrator/records.ts';
import { ended, running, World } from '../core/world.ts';
import { FakeClock } from './fakeClock.ts';

test('what is forgotten of an ended job’s output is read from the history', async () => {
  const world = World.settled();
  const worker = world.worker('w1', { slots: 9 });
  world.submit(world.relay(), 'j');
  world.report(worker, [running('j')]);
  const [clock, logger] = [new FakeClock(), pino({ level: 'silent' })];
  const { cluster } = world;
  const views = new Views(cluster, clock, { of: () => null });
  const records = new RecordViews(new Records(cluster), []);
  const asked: string[] = [];
  const command = { jobId: 'j', argv: [], lines: [], isGiven: true, attempts: [] };
  const record: KeptRecord = { command, stderr: [{ attempt: 1, text: 'its last words\n' }] };
  const archive: Archive = {
    ask: async ({ type }) => {
      asked.push(type);
      return { record };
    },
    close: async () => undefined,
  };
  const history = new History({ archive, cluster, views, records, clock, logger });
  const app = await createApp({ adminToken: null, metricsPublic: true }, logger);
  addRecords(app, { driver: new Driver(cluster, clock), records, history });
  const stderr = async (query = '') => {
    const { statusCode, body } = await app.inject(`/api/v1/jobs/j/stderr${query}`);
    return `${statusCode} ${body}`;
  };
  expect(await stderr()).toBe('200 ');
  expect(asked).toEqual([]);
  world.report(worker, [ended('j', { exitCode: 1 })]);
  expect(await stderr()).toBe('200 its last words\n');
  expect(await stderr('?attempt=1')).toBe('200 its last words\n');
  expect(await stderr('?attempt=2')).toMatch(/^404 /);
  await app.close();
});
