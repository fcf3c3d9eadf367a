import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { portOf } from './portOf.ts';

/**
 * A Service with kube-proxy: a new connection goes to a pod that is selected now, an established one stays where it is.
 * Without a pod it is refused.
 */
export class Service {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param backend address of the pod that is selected now */
  static async start(backend: () => string | null): Promise<Service> {
    const server = createServer((client) => {
      client.on('error', () => undefined);
      const address = backend();
      if (address === null) {
        client.resetAndDestroy();
        return;
      }
      const { port, hostname } = new URL(address);
      const pod = connect(Number(port), hostname);
      pod.on('error', () => client.destroy());
      client.on('close', () => pod.destroy());
      pod.on('close', () => client.destroy());
      client.pipe(pod).pipe(client);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Service(server);
  }

  get address(): string {
    return `http://127.0.0.1:${portOf(this.#server)}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}
