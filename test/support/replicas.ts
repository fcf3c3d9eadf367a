import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeKubernetes } from './fakeKubernetes.ts';
import { Part } from './part.ts';
import { Service } from './service.ts';

const PODS = ['orchestrator-0', 'orchestrator-1'];

/** Short, so that a test needs not wait for long; the real ones are the defaults. */
export const SHORT_LEASE = {
  LEASE_DURATION_MS: '4000',
  LEASE_RENEW_DEADLINE_MS: '3000',
  LEASE_RETRY_MS: '400',
};

/** Two orchestrators as processes, in pods of a fake Kubernetes, and the Service in front of them. */
export class Replicas {
  readonly kubernetes: FakeKubernetes;
  readonly #env: Readonly<Record<string, string>>;
  readonly #directory = mkdtempSync(join(tmpdir(), 'replicas-'));
  readonly #parts = new Map<string, Part>();
  readonly #addresses = new Map<string, string>();
  #service: Service | null = null;

  private constructor(kubernetes: FakeKubernetes, env: Readonly<Record<string, string>>) {
    this.kubernetes = kubernetes;
    this.#env = env;
  }

  static async start(env: Readonly<Record<string, string>>): Promise<Replicas> {
    const replicas = new Replicas(await FakeKubernetes.start(), env);
    replicas.#service = await Service.start(() => replicas.#selected());
    for (const name of PODS) replicas.kubernetes.addPod(name);
    await Promise.all(PODS.map((name) => replicas.startPod(name)));
    await replicas.kubernetes.until(() => replicas.kubernetes.leaders.length === 1);
    return replicas;
  }

  /** Of the Service. */
  get address(): string {
    return this.#service?.address ?? '';
  }

  /** The orchestrator that leads, as the Lease has it. */
  get leader(): Part {
    const part = this.#parts.get(this.kubernetes.holder ?? '');
    if (!part) throw new Error('nobody leads');
    return part;
  }

  get standby(): Part {
    const [name = ''] = PODS.filter((pod) => pod !== this.kubernetes.holder);
    const part = this.#parts.get(name);
    if (!part) throw new Error('nobody stands by');
    return part;
  }

  addressOf(name: string): string {
    return this.#addresses.get(name) ?? '';
  }

  /** A container in that pod, if not the first one. */
  async startPod(name: string): Promise<void> {
    const kubeconfig = join(this.#directory, `${name}.json`);
    this.kubernetes.writeKubeconfig(kubeconfig, name);
    const part = new Part('orchestrator/main.ts', {
      ...{ LISTENING_PORT: '0', LEADER_ELECTION: 'lease', KUBECONFIG: kubeconfig, POD_NAME: name },
      ...this.#env,
    });
    this.#parts.set(name, part);
    this.#addresses.set(name, await part.listening());
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#parts.values()].map((part) => part.stop()));
    await this.#service?.close();
    await this.kubernetes.close();
    rmSync(this.#directory, { recursive: true });
  }

  /** Any of those that have the label: it stays on a pod whose node has died. */
  #selected(): string | null {
    const { leaders } = this.kubernetes;
    const name = leaders[Math.floor(Math.random() * leaders.length)] ?? '';
    return this.#addresses.get(name) ?? null;
  }
}
