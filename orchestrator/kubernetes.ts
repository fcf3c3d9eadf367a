import { existsSync } from 'node:fs';
import type {
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  RequestContext,
  ResponseContext,
} from '@kubernetes/client-node';
import { CodedError, coerceError, systemErrorCode } from '#shared/errors.ts';

/** Loaded only where it is asked for: it takes half a second and 90 MB. */
export type KubernetesModule = typeof import('@kubernetes/client-node');

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** The API server, and what every request to it shares. */
export interface Kubernetes {
  readonly module: KubernetesModule;
  readonly namespace: string;
  readonly leases: CoordinationV1Api;
  readonly pods: CoreV1Api;
  readonly statefulSets: AppsV1Api;
  /** Makes a request that ends when the signal says so. */
  ask<T>(signal: AbortSignal, request: (options: RequestOptions) => Promise<T>): Promise<T>;
}

type Dispatcher = ReturnType<RequestContext['getDispatcher']>;
export type RequestOptions = ReturnType<Requests['options']>;

/** @throws CodedError `bad-settings` when nothing says how to reach it */
export async function openKubernetes(
  kubeconfig: string | null,
  namespace: string | null,
): Promise<Kubernetes> {
  const module = await import('@kubernetes/client-node');
  const config = new module.KubeConfig();
  const requests = new Requests(module);
  try {
    if (kubeconfig !== null) load(config, kubeconfig);
    else if (existsSync(SERVICE_ACCOUNT_TOKEN)) config.loadFromCluster();
    else throw new Error(`there is no ${SERVICE_ACCOUNT_TOKEN}, as in a pod with a service account`);
    return {
      module,
      namespace: namespace ?? config.getContextObject(config.currentContext)?.namespace ?? 'default',
      leases: config.makeApiClient(module.CoordinationV1Api),
      pods: config.makeApiClient(module.CoreV1Api),
      statefulSets: config.makeApiClient(module.AppsV1Api),
      ask: (signal, request) => requests.ask(signal, request),
    };
  } catch (error) {
    throw new CodedError(
      'bad-settings',
      `nothing says how to reach Kubernetes: ${coerceError(error).message}`,
      'run in a pod with automountServiceAccountToken, or set KUBECONFIG',
      { cause: error },
    );
  }
}

function load(config: { loadFromFile(file: string): void }, kubeconfig: string): void {
  try {
    config.loadFromFile(kubeconfig);
  } catch (error) {
    // Not by what was thrown, which quotes the file, and what is secret in it.
    throw new Error(systemErrorCode(error) ?? yamlProblem(error) ?? 'the file is no kubeconfig');
  }
}

/** What it quotes stands at the end of the reason. */
function yamlProblem(error: unknown): string | null {
  const { reason, mark } = Object(error);
  const [told = ''] = typeof reason === 'string' ? reason.split(/: |["!<]/) : [];
  return told === '' ? null : `line ${Number(mark?.line) + 1} of the file: ${told.trim()}`;
}

/** The status of a refusal, else null. */
export function statusOf(error: unknown): number | null {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : null;
  // A request that was given up has a code, too, but none of HTTP.
  return typeof code === 'number' && code >= 100 ? code : null;
}

const MAX_REASON_LENGTH = 300;

/** What the API server says, without the headers that the client would add. */
export function reasonOf(error: unknown): string {
  const status = statusOf(error);
  if (status === null) {
    const { message, cause } = coerceError(error);
    return cause instanceof Error ? `${message}: ${cause.message}` : message;
  }
  return `HTTP ${status} ${messageIn(Object(error).body)}`.trim().slice(0, MAX_REASON_LENGTH);
}

function messageIn(body: unknown): string {
  if (typeof body !== 'string') return String(Object(body).message ?? '');
  try {
    return messageIn(Object(JSON.parse(body)));
  } catch {
    return body;
  }
}

/** Requests over one connection: by itself the client opens another for each, and keeps what that takes for long. */
class Requests {
  readonly #module: KubernetesModule;
  #dispatcher: Dispatcher;

  constructor(module: KubernetesModule) {
    this.#module = module;
  }

  async ask<T>(signal: AbortSignal, request: (options: RequestOptions) => Promise<T>): Promise<T> {
    try {
      return await request(this.options(signal));
    } catch (error) {
      // The next one is made with what the files say then: a certificate may be another.
      if (statusOf(error) === null) this.#dispatcher = undefined;
      throw error;
    }
  }

  options(signal: AbortSignal) {
    const { Observable } = this.#module;
    return {
      middleware: [
        {
          pre: (request: RequestContext) => {
            request.setSignal(signal);
            this.#dispatcher ??= request.getDispatcher();
            if (this.#dispatcher) request.setDispatcher(this.#dispatcher);
            return new Observable(Promise.resolve(request));
          },
          post: (response: ResponseContext) => new Observable(Promise.resolve(response)),
        },
      ],
      middlewareMergeStrategy: 'append' as const,
    };
  }
}
