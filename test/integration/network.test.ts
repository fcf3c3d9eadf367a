import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Host, Network } from '../support/network.ts';

const obstacle = Network.obstacle();
if (obstacle !== null) process.stderr.write(`NOT TESTED, a network that loses everything: ${obstacle}\n`);

const PORT = '4000';
const LISTEN =
  `const socket = require('node:dgram').createSocket('udp4');` +
  `socket.on('message', (text) => console.log(String(text)));` +
  `socket.bind(${PORT}, () => console.log('listening'));`;

/** Prints every datagram that arrives. */
class Listener {
  readonly process: ChildProcess;
  readonly heard: AsyncIterator<string>;

  constructor({ enter }: Host) {
    const [file = '', ...args] = [...enter, process.execPath, '-e', LISTEN];
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.process = child;
    this.heard = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  async next(): Promise<string> {
    const { value } = await this.heard.next();
    return String(value);
  }
}

function send(from: Host, to: Host, text: string): void {
  const words = [...from.enter, 'bash', '-c', `echo -n ${text} > /dev/udp/${to.address}/${PORT}`];
  spawnSync(words[0] ?? '', words.slice(1));
}

describe.runIf(obstacle === null)('machines as network namespaces', () => {
  let network: Network;
  let a: Host;
  let b: Host;
  let atA: Listener;
  let atB: Listener;
  let atHome: Listener;

  beforeAll(async () => {
    network = Network.create();
    [a, b] = [network.host(), network.host()];
    [atA, atB, atHome] = [new Listener(a), new Listener(b), new Listener(network.home)];
    for (const listener of [atA, atB, atHome]) expect(await listener.next()).toBe('listening');
  });
  afterAll(() => {
    atHome.process.kill();
    network.remove();
  });

  test('a loss is one way: the other direction works, and after healing both do', async () => {
    send(a, b, 'before');
    expect(await atB.next()).toBe('before');
    network.lose(a, b);
    send(a, b, 'lost');
    send(b, a, 'other-way');
    expect(await atA.next()).toBe('other-way');
    send(a, network.home, 'elsewhere');
    expect(await atHome.next()).toBe('elsewhere');
    network.heal();
    send(a, b, 'after');
    // Datagrams keep their order here: what did not come before this one never comes.
    expect(await atB.next()).toBe('after');
  });

  test('a cut is both ways', async () => {
    network.cut(a);
    send(a, b, 'lost');
    send(a, network.home, 'lost');
    send(b, a, 'lost');
    network.heal();
    send(a, b, 'after');
    send(a, network.home, 'after');
    send(b, a, 'after');
    expect([await atB.next(), await atHome.next(), await atA.next()]).toEqual(['after', 'after', 'after']);
  });

  test('who is muted hears everybody, who is deaf is heard by everybody', async () => {
    network.mute(a);
    send(a, b, 'lost');
    send(a, network.home, 'lost');
    send(network.home, a, 'to-the-mute');
    expect(await atA.next()).toBe('to-the-mute');
    network.heal();
    network.deafen(a);
    send(b, a, 'lost');
    send(network.home, a, 'lost');
    send(a, b, 'from-the-deaf');
    send(a, network.home, 'from-the-deaf');
    expect([await atB.next(), await atHome.next()]).toEqual(['from-the-deaf', 'from-the-deaf']);
    network.heal();
    send(b, a, 'after');
    expect(await atA.next()).toBe('after');
  });

  test('what a killed run left is removed by the next', () => {
    const script = `const { Network } = await import('./test/support/network.ts');
      const host = Network.create().host();
      console.log(host.enter[1].split('/').at(-1));
      process.kill(process.pid, 'SIGKILL');`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    const left = `/run/netns/${stdout.trim()}`;
    expect(existsSync(left)).toBe(true);
    Network.create().remove();
    expect(existsSync(left)).toBe(false);
  });
});
