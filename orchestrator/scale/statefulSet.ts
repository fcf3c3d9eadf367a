import type { ConfigurationOptions } from '@kubernetes/client-node';
import { coerceError } from '#shared/errors.ts';
import type { Application } from './spec.ts';

const REQUEST_MS = 5_000;
/** What the client falls back to when it finds nothing. */
const NOWHERE = 'http://localhost:8080';

/** How many pods something has, and a way to change that. */
export interface Replicas {
  read(): Promise<number>;
  write(replicas: number): Promise<void>;
}

/**
 * A StatefulSet's `/scale`, which is all of it that we may touch. The client is large, so it is loaded by those only who
 * have something to scale.
 *
 * @param stopped gives up what still waits for an answer
 * @param requestMs how long an answer may take
 */
export async function statefulSetReplicas(
  { statefulSet: name, namespace: given }: Application,
  stopped: AbortSignal,
  requestMs = REQUEST_MS,
): Promise<Replicas> {
  const k8s = await import('@kubernetes/client-node');
  const config = new k8s.KubeConfig();
  config.loadFromDefault();
  if (config.getCurrentCluster()?.server === NOWHERE) {
    throw new Error('there is no Kubernetes here: set KUBECONFIG, or run as a pod with a service account');
  }
  const namespace = given ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
  const api = config.makeApiClient(k8s.AppsV1Api);

  const ask = async <T>(request: (options: ConfigurationOptions) => Promise<T>): Promise<T> => {
    const deadline = AbortSignal.timeout(requestMs);
    const pass = <C>(context: C) => new k8s.Observable(Promise.resolve(context));
    const limited: ConfigurationOptions = {
      middleware: [
        {
          pre(context) {
            context.setSignal(AbortSignal.any([stopped, deadline]));
            return pass(context);
          },
          post: pass,
        },
      ],
      middlewareMergeStrategy: 'append',
    };
    try {
      return await request(limited);
    } catch (error) {
      if (deadline.aborted) throw new Error(`the API server did not answer within ${requestMs} ms`);
      if (!(error instanceof k8s.ApiException)) throw new Error(`the API server: ${reasonOf(error)}`);
      throw new Error(`the API server answers ${error.code}${remedyOf(error.code, `${namespace}/${name}`)}`);
    }
  };
  return {
    async read() {
      const { spec } = await ask((options) =>
        api.readNamespacedStatefulSetScale({ name, namespace }, options),
      );
      // What is 0 is left out.
      return spec?.replicas ?? 0;
    },
    async write(replicas) {
      const body = { spec: { replicas } };
      await ask((options) => {
        const merge = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch, options);
        return api.patchNamespacedStatefulSetScale({ name, namespace, body }, merge);
      });
    },
  };
}

/** Of a request that got no answer: `fetch failed` says nothing. */
function reasonOf(error: unknown): string {
  const { cause, message } = coerceError(error);
  return cause === undefined ? message : coerceError(cause).message;
}

function remedyOf(code: number, what: string): string {
  if (code === 403) return `: allow get and patch on statefulsets/scale of ${what}`;
  return code === 404 ? `: there is no StatefulSet ${what}` : '';
}
