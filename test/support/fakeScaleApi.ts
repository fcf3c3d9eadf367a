import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { kubeconfigOf } from './kubeconfig.ts';
import { portOf } from './portOf.ts';

export interface ScaleRequest {
  readonly method: string;
  readonly path: string;
  readonly type: string | undefined;
  readonly authorization: string | undefined;
}

/** What a Kubernetes API server knows of one StatefulSet's `/scale`, and a kubeconfig that leads to it. */
export class FakeScaleApi {
  readonly path: string;
  readonly kubeconfig: string;
  readonly requests: ScaleRequest[] = [];
  /** Every number that was set. */
  readonly set: number[] = [];
  replicas: number;
  /** What the next requests get: a status, or no answer at all. */
  fault: number | 'hang' | null = null;
  /** What it answers with in place of its scale. */
  answer: object | null = null;
  readonly #directory = mkdtempSync(join(tmpdir(), 'scale-api-'));
  readonly #server = createServer((request, response) => {
    void this.#answer(request).then((answer) => {
      if (!answer) return;
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer.body));
    });
  });
  readonly #waiting = new Set<() => void>();

  private constructor(namespace: string, name: string, replicas: number) {
    this.path = `/apis/apps/v1/namespaces/${namespace}/statefulsets/${name}/scale`;
    this.replicas = replicas;
    this.kubeconfig = join(this.#directory, 'kubeconfig');
  }

  static async start(options: { namespace: string; name: string; replicas: number }): Promise<FakeScaleApi> {
    const { namespace, name, replicas } = options;
    const api = new FakeScaleApi(namespace, name, replicas);
    await new Promise<void>((resolve) => void api.#server.listen(0, '127.0.0.1', resolve));
    const server = `http://127.0.0.1:${portOf(api.#server)}`;
    writeFileSync(api.kubeconfig, kubeconfigOf({ server, namespace, token: 'token-of-the-service-account' }));
    return api;
  }

  /** Waits until there are so many replicas. */
  async reaches(replicas: number): Promise<void> {
    while (this.replicas !== replicas) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: object } | null> {
    const { method = '', url = '', headers } = request;
    const [path = ''] = url.split('?');
    const body = await text(request);
    this.requests.push({ method, path, type: headers['content-type'], authorization: headers.authorization });
    if (this.fault === 'hang') return null;
    if (this.fault !== null) return { status: this.fault, body: { kind: 'Status', code: this.fault } };
    if (path !== this.path) return { status: 404, body: { kind: 'Status', code: 404 } };
    if (method === 'PATCH') {
      this.replicas = Number(JSON.parse(body).spec.replicas);
      this.set.push(this.replicas);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    }
    if (this.answer !== null) return { status: 200, body: this.answer };
    // An API server leaves out what is 0.
    const spec = this.replicas === 0 ? {} : { replicas: this.replicas };
    return { status: 200, body: { kind: 'Scale', apiVersion: 'autoscaling/v1', spec, status: spec } };
  }
}
