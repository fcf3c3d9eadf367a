import { Resolver } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Server } from './core/failover.ts';

/** A host of the same network answers in a millisecond; one that has no power, never. */
const ANSWER_MS = 1_000;

const Readiness = Type.Object({
  ready: Type.Boolean(),
  instance: Type.Union([Type.String({ maxLength: 256 }), Type.Null()]),
});
const readiness = Compile(Readiness);

const UNKNOWN = { ready: false, instance: undefined } as const;

/** The storage nodes, and what the dfs-probe of each says. */
export class Servers {
  readonly #given: readonly string[];
  readonly #probePort: number;
  /** Not `dns.lookup`, which waits in line behind file system calls that hang. */
  readonly #resolver = new Resolver({ timeout: ANSWER_MS, tries: 1 });
  /** By name, as it was answered last: a name server may be lost together with a node. */
  readonly #addresses = new Map<string, readonly string[]>();
  #known: readonly Server[] = [];

  /** @param given addresses and names */
  constructor(given: readonly string[], probePort: number) {
    this.#given = given;
    this.#probePort = probePort;
  }

  /** As they were asked last. */
  get known(): readonly Server[] {
    return this.#known;
  }

  /** Asks all of them. */
  async ask(): Promise<void> {
    const lists = await Promise.all(this.#given.map((entry) => this.#addressesOf(entry)));
    const addresses = [...new Set(lists.flat())];
    this.#known = await Promise.all(addresses.map((address) => this.#askOne(address)));
  }

  async #addressesOf(entry: string): Promise<readonly string[]> {
    if (isIP(entry)) return [entry];
    const found = await Promise.allSettled([this.#resolver.resolve4(entry), this.#resolver.resolve6(entry)]);
    const addresses = found
      .flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
      .toSorted();
    if (addresses.length > 0) this.#addresses.set(entry, addresses);
    return this.#addresses.get(entry) ?? [];
  }

  async #askOne(address: string): Promise<Server> {
    const host = isIPv6(address) ? `[${address}]` : address;
    try {
      const response = await fetch(`http://${host}:${this.#probePort}/ready`, {
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const said: unknown = await response.json();
      return readiness.Check(said) ? { address, ...pick(said) } : { address, ...UNKNOWN };
    } catch {
      // No power, no network, no probe, or something else listens there.
      return { address, ...UNKNOWN };
    }
  }
}

function pick({ ready, instance }: Static<typeof Readiness>) {
  return { ready, instance };
}
