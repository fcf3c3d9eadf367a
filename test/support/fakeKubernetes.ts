import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as after } from 'node:timers/promises';
import { kubeconfigOf } from './kubeconfig.ts';
import { portOf } from './portOf.ts';

/** What the API server does with a request: nothing ever, later, not at all, or only its part of it. */
export type Trouble =
  | { readonly do: 'hang' | 'carry-out-and-hang' }
  | { readonly do: 'delay'; readonly ms: number }
  | { readonly do: 'refuse'; readonly status: number; readonly message: string };

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  /** Of whom it is, by the token in the kubeconfig. */
  readonly user: string;
}

interface Stored {
  metadata: {
    name: string;
    namespace?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: Record<string, unknown>;
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/media/leases';
const PODS = '/api/v1/namespaces/media/pods';
export const ROLE = 'clusterplex.io/role';

/** The Kubernetes API as far as an election needs it: Leases and pods of the namespace `media`, with versions. */
export class FakeKubernetes {
  readonly requests: ApiRequest[] = [];
  /** Asked about each request. */
  trouble: (request: ApiRequest) => Trouble | null = () => null;
  readonly #server: Server;
  readonly #leases = new Map<string, Stored>();
  readonly #pods = new Map<string, Stored>();
  readonly #watchers = new Set<() => void>();
  #version = 0;
  connections = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', () => {
      this.connections += 1;
    });
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<FakeKubernetes> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeKubernetes(server);
  }

  /** What this user of it, mostly a pod, is to read. */
  writeKubeconfig(file: string, user: string): void {
    const server = `http://127.0.0.1:${portOf(this.#server)}`;
    writeFileSync(file, kubeconfigOf({ server, namespace: 'media', token: user }));
  }

  addPod(name: string, labels: Record<string, string> = {}): void {
    const app = { 'app.kubernetes.io/name': 'clusterplex', 'app.kubernetes.io/component': 'orchestrator' };
    this.#put(this.#pods, { metadata: { name, namespace: 'media', labels: { ...app, ...labels } } });
  }

  /** Names of the pods that the Service would select. */
  get leaders(): string[] {
    return [...this.#pods.values()].flatMap(({ metadata: { name, labels } }) =>
      labels?.[ROLE] === 'leader' ? [name] : [],
    );
  }

  /** The spec of the Lease. */
  get lease(): Readonly<Record<string, unknown>> | null {
    return this.#leases.get('clusterplex-orchestrator')?.spec ?? null;
  }

  /** The pod of the Lease's holder; null while nobody holds it. */
  get holder(): string | null {
    return String(this.lease?.['holderIdentity'] ?? '').split('_')[0] || null;
  }

  get leaseLabels(): Readonly<Record<string, string>> {
    return this.#leases.get('clusterplex-orchestrator')?.metadata.labels ?? {};
  }

  /** What its leader keeps there for the next one. */
  get leaseNote(): string | null {
    return (
      this.#leases.get('clusterplex-orchestrator')?.metadata.annotations?.['clusterplex.io/bursts'] ?? null
    );
  }

  deleteLease(): void {
    this.#leases.clear();
  }

  /** Somebody writes the Lease, whoever has it. */
  putLease(spec: Record<string, unknown>, labels: Record<string, string> = {}): void {
    this.#put(this.#leases, {
      metadata: { name: 'clusterplex-orchestrator', namespace: 'media', labels },
      spec,
    });
  }

  /** Somebody takes it. What is noted in it stays. */
  steal(holder: string): void {
    const transitions = Number(this.lease?.['leaseTransitions'] ?? 0) + 1;
    const spec = { holderIdentity: holder, leaseDurationSeconds: 60, leaseTransitions: transitions };
    const before = this.#leases.get('clusterplex-orchestrator');
    if (before) this.#put(this.#leases, { ...before, spec });
    else this.putLease(spec);
  }

  release(): void {
    const before = this.#leases.get('clusterplex-orchestrator');
    if (before) this.#put(this.#leases, { ...before, spec: { ...before.spec, holderIdentity: '' } });
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#watchers.add(resolve));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const user = String(request.headers.authorization).replace('Bearer ', '');
    const { pathname: path, searchParams } = new URL(request.url ?? '/', 'http://api');
    const asked: ApiRequest = { method: request.method ?? '', path, user };
    this.requests.push(asked);
    const trouble = this.trouble(asked);
    const body: unknown = request.method === 'GET' ? null : await json(request);
    if (trouble?.do === 'hang') return;
    if (trouble?.do === 'delay') await after(trouble.ms);
    const answer = (status: number, content: object): void => {
      if (trouble?.do === 'carry-out-and-hang') return;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
    };
    try {
      if (trouble?.do === 'refuse') throw new Refusal(trouble.status, trouble.message);
      answer(200, this.#carryOut(asked, body, searchParams.get('labelSelector')));
    } catch (error) {
      const { status = 500, message } = error instanceof Refusal ? error : { message: String(error) };
      answer(status, { kind: 'Status', status: 'Failure', message, code: status });
    }
    this.#changed();
  }

  #carryOut({ method, path }: ApiRequest, body: unknown, selector: string | null): object {
    const name = path.split('/').at(-1) ?? '';
    const is = (verb: string, at: string): boolean => method === verb && path === at;
    if (is('POST', LEASES)) return this.#create(this.#leases, storedIn(body));
    if (is('GET', `${LEASES}/${name}`)) return found(this.#leases, name);
    if (is('PUT', `${LEASES}/${name}`)) return this.#replace(this.#leases, storedIn(body));
    if (is('GET', PODS)) return { kind: 'PodList', metadata: {}, items: this.#selected(selector ?? '') };
    if (is('GET', `${PODS}/${name}`)) return found(this.#pods, name);
    if (is('PATCH', `${PODS}/${name}`)) return this.#patch(found(this.#pods, name), storedIn(body));
    throw new Refusal(404, `there is no ${method} ${path}`);
  }

  #create(of: Map<string, Stored>, stored: Stored): Stored {
    const { name } = stored.metadata;
    if (of.has(name)) throw new Refusal(409, `${name} already exists`);
    return this.#put(of, stored);
  }

  #replace(of: Map<string, Stored>, stored: Stored): Stored {
    const { name, resourceVersion } = stored.metadata;
    if (found(of, name).metadata.resourceVersion !== resourceVersion)
      throw new Refusal(409, `${name} has been modified; please apply your changes to the latest version`);
    return this.#put(of, stored);
  }

  /** A merge patch of labels. */
  #patch(pod: Stored, { metadata }: Stored): Stored {
    const labels = Object.entries({ ...pod.metadata.labels, ...metadata.labels });
    const kept = Object.fromEntries(labels.filter(([, value]) => value !== null));
    return this.#put(this.#pods, { ...pod, metadata: { ...pod.metadata, labels: kept } });
  }

  #put(of: Map<string, Stored>, { metadata, ...rest }: Stored): Stored {
    this.#version += 1;
    const stored = { ...rest, metadata: { ...metadata, resourceVersion: String(this.#version) } };
    of.set(metadata.name, stored);
    this.#changed();
    return stored;
  }

  #selected(selector: string): Stored[] {
    const terms = selector.split(',').map((term) => term.split('='));
    return [...this.#pods.values()].filter(({ metadata: { labels } }) =>
      terms.every(([key = '', value]) => labels?.[key] === value),
    );
  }

  #changed(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) watcher();
  }
}

function found(of: Map<string, Stored>, name: string): Stored {
  const stored = of.get(name);
  if (!stored) throw new Refusal(404, `${name} not found`);
  return stored;
}

function storedIn(body: unknown): Stored {
  const { metadata, ...rest } = Object(body);
  return { ...rest, metadata: Object(metadata) };
}
