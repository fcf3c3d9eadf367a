import { createServer, type Server } from 'node:http';
import { portOf } from './portOf.ts';

/** What dfs-mount hears of a storage node: the /ready of its dfs-probe, on a loopback address of its own. */
export class FakeStorageNode {
  readonly address: string;
  readonly #server: Server;
  /** Its mount; null when it has none. */
  instance: string | null = null;

  private constructor(address: string) {
    this.address = address;
    this.#server = createServer((_request, response) => {
      const ready = this.instance !== null;
      response.writeHead(ready ? 200 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ ready, checks: [], instance: this.instance }));
    });
  }

  /** @param port 0 lets the system choose */
  static async listen(address: string, port: number): Promise<FakeStorageNode> {
    const node = new FakeStorageNode(address);
    await new Promise<void>((resolve) => node.#server.listen(port, address, resolve));
    return node;
  }

  get port(): number {
    return portOf(this.#server);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
