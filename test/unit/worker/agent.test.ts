import { pino } from 'pino';
import { expect, test } from 'vitest';
import { type Capabilities, NO_CAPABILITIES } from '#shared/capabilities.ts';
import type { Check } from '#shared/protocol/check.ts';
import type { LinkHandlers, LinkPort } from '#shared/protocol/link.ts';
import type { Message } from '#shared/protocol/messages.ts';
import { Agent } from '../../../worker/agent.ts';
import { Attempts } from '../../../worker/attempts/attempts.ts';
import { FakeClock } from '../orchestrator/fakeClock.ts';

/** A connection that keeps what was said on it. */
class Said implements LinkPort<'worker'> {
  readonly messages: Message<'workerToOrchestrator'>[] = [];
  readonly #handlers: LinkHandlers<'worker'>;
  up = false;

  constructor(handlers: LinkHandlers<'worker'>) {
    this.#handlers = handlers;
  }

  start(): void {
    this.messages.push(this.#handlers.hello());
    this.up = true;
  }

  stop(): void {
    this.up = false;
  }

  send(message: Message<'workerToOrchestrator'>): void {
    this.messages.push(message);
  }
}

const attempts = new Attempts(
  {
    clock: new FakeClock(),
    logger: pino({ level: 'silent' }),
    killGraceMs: 0,
    whyNotNow: () => null,
    whyRefused: () => null,
    commandOf: () => {
      throw new Error('nothing is run here');
    },
    run: () => {
      throw new Error('nothing is run here');
    },
    signsOf: () => ({ standing: null, traffic: null }),
    send: () => undefined,
    gpuFailed: () => undefined,
    record: () => undefined,
    fenceKilled: () => undefined,
  },
  () => undefined,
);

function world() {
  const found: { slots: number; capabilities: Capabilities; checks: Check[] } = {
    slots: 1,
    capabilities: NO_CAPABILITIES,
    checks: [],
  };
  const links: Said[] = [];
  const agent = new Agent({
    name: 'w',
    instance: 'w-1',
    node: 'n',
    group: 'g',
    clock: new FakeClock(),
    openLink: (handlers) => {
      const link = new Said(handlers);
      links.push(link);
      return link;
    },
    attempts: () => attempts,
    slots: () => found.slots,
    capabilities: () => found.capabilities,
    storage: () => [],
    ready: () => true,
    checks: () => found.checks,
    stopping: () => false,
    shared: () => undefined,
  });
  const [link] = links;
  if (!link) throw new Error('the agent opened no link');
  return { agent, link, found };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what the worker can do travels when it changed, and only then', async () => {
  const { agent, link, found } = world();
  agent.start();
  found.slots = 8;
  found.capabilities = { ...NO_CAPABILITIES, encoders: ['libx264'] };
  agent.changedCapabilities();
  await turn();
  agent.changed();
  await turn();
  const [hello, changed, later] = link.messages;
  expect(hello).toMatchObject({ type: 'hello', node: 'n', slots: 1, capabilities: NO_CAPABILITIES });
  expect(changed).toMatchObject({ type: 'state', slots: 8, capabilities: { encoders: ['libx264'] } });
  expect(later).not.toHaveProperty('capabilities');
  expect(later).not.toHaveProperty('slots');
});

test('what changes without a connection is in the next hello', async () => {
  const { agent, link, found } = world();
  found.slots = 8;
  agent.changedCapabilities();
  await turn();
  expect(link.messages).toEqual([]);
  agent.start();
  agent.changed();
  await turn();
  expect(link.messages).toMatchObject([{ type: 'hello', slots: 8 }, { type: 'state' }]);
  expect(link.messages[1]).not.toHaveProperty('slots');
});

test('what is known of the mounts travels when it changed, and only then', async () => {
  const { agent, link } = world();
  agent.start();
  agent.changedStorage();
  await turn();
  agent.changed();
  await turn();
  expect(link.messages[1]).toMatchObject({ type: 'state', storage: [] });
  expect(link.messages[1]).not.toHaveProperty('capabilities');
  expect(link.messages[2]).not.toHaveProperty('storage');
});

test('what its checks say travels when it changed, and only then', async () => {
  const { agent, link, found } = world();
  agent.start();
  found.checks = [{ name: 'codecs', ok: false, message: '0 of 309 are there', blocking: true }];
  agent.changed();
  await turn();
  agent.changed();
  await turn();
  expect(link.messages[0]).toMatchObject({ type: 'hello', checks: [] });
  expect(link.messages[1]).toMatchObject({ type: 'state', checks: found.checks });
  expect(link.messages[2]).not.toHaveProperty('checks');
});
