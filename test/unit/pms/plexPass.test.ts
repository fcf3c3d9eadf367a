import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { PlexPass } from '../../../pms/relay/plexPass.ts';
import { FakeClock } from '../orchestrator/fakeClock.ts';

const MINUTE = 60_000;
let server: Server | null = null;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A PMS that answers its root; without an answer it says nothing at all. */
async function pms(answer: { status?: number; body: string | null }) {
  const asked: string[] = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (answer.body === null) return;
    response.writeHead(answer.status ?? 200, { 'Content-Type': 'text/xml' }).end(answer.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const clock = new FakeClock();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { asked, clock, answer, plexPass: new PlexPass(port, clock, pino({ level: 'silent' })) };
}

function root(subscription: string): string {
  return `<?xml version="1.0"?>\n<MediaContainer size="2" ${subscription} version="1.43"><Directory myPlexSubscription="1"/>`;
}

test('nobody waits for the answer; once it is there, it is good for five minutes', async () => {
  const { asked, clock, answer, plexPass } = await pms({ body: root('myPlexSubscription="1"') });
  expect(plexPass.isActive('t&k')).toBe(false);
  expect(plexPass.isActive('t&k')).toBe(false);
  await vi.waitFor(() => expect(plexPass.isActive('t&k')).toBe(true), 10_000);
  expect(asked).toEqual(['/?X-Plex-Token=t%26k']);
  clock.advance(4 * MINUTE);
  expect(plexPass.isActive('t&k')).toBe(true);
  expect(asked).toHaveLength(1);
  answer.body = root('myPlexSubscription="0"');
  clock.advance(2 * MINUTE);
  expect(plexPass.isActive('t&k')).toBe(true);
  await vi.waitFor(() => expect(plexPass.isActive('t&k')).toBe(false), 10_000);
  expect(asked).toHaveLength(2);
});

test.each([
  ['no subscription', { body: root('myPlexSubscription="0"') }],
  ['a root that says nothing of it', { body: root('') }],
  ['a refusal', { status: 401, body: root('myPlexSubscription="1"') }],
])('%s is no Plex Pass', async (_what, answer) => {
  const { asked, plexPass } = await pms(answer);
  plexPass.isActive('t');
  await vi.waitFor(() => expect(asked).toHaveLength(1), 10_000);
  expect(plexPass.isActive('t')).toBe(false);
  expect(plexPass.isActive(undefined)).toBe(false);
});

test('a failure is not kept, and an answer that does not come ends', async () => {
  const { asked, clock, answer, plexPass } = await pms({ body: null });
  plexPass.isActive('t');
  await vi.waitFor(() => expect(asked).toHaveLength(1), 10_000);
  clock.advance(3_000);
  answer.body = root('myPlexSubscription="1"');
  await vi.waitFor(() => expect(plexPass.isActive('t')).toBe(true), 10_000);
});
