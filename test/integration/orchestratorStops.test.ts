import { once } from 'node:events';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '#shared/clock.ts';
import { SUBPROTOCOL } from '#shared/protocol/messages.ts';
import { readSettings } from '#shared/settings/read.ts';
import { orchestratorSettings } from '../../orchestrator/config.ts';
import { startOrchestrator } from '../../orchestrator/server.ts';

test('an orchestrator that stops is not ready while its peers hear of it, and waits for none that does not', async () => {
  const settings = readSettings(orchestratorSettings, { LISTENING_PORT: '0' }, () => '');
  const { address, stop } = await startOrchestrator(settings, systemClock, pino({ level: 'silent' }));
  const url = `${address.replace('http', 'ws')}/ws/relay`;
  const dial = () => new WebSocket(url, SUBPROTOCOL);
  const [attentive, deaf] = [dial(), dial()];
  await Promise.all([once(attentive, 'open'), once(deaf, 'open')]);
  // It reads nothing any more, and so never says that it has read the close frame.
  deaf.pause();
  deaf.on('error', () => undefined);

  expect((await fetch(`${address}/ready`)).status).toBe(200);
  const stopped = stop();
  const [code] = await once(attentive, 'close');
  expect(code).toBe(4503);
  const ready = await fetch(`${address}/ready`);
  expect([ready.status, await ready.json()]).toEqual([
    ...[503, { ready: false, role: 'leader', reason: 'it is stopping' }],
  ]);
  await expect(once(dial(), 'open')).rejects.toThrow('503');
  await stopped;
  await expect(fetch(`${address}/ready`)).rejects.toThrow();
  deaf.terminate();
});
