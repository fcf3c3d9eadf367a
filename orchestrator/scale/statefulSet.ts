import { openKubernetes, type RequestOptions, reasonOf, statusOf } from '../kubernetes.ts';
import type { Application } from './spec.ts';

const REQUEST_MS = 5_000;

/** How many pods something has, and a way to change that. */
export interface Replicas {
  read(): Promise<number>;
  write(replicas: number): Promise<void>;
}

/**
 * A StatefulSet's `/scale`, which is all of it that we may touch.
 *
 * @param kubeconfig file that says how to reach Kubernetes; null: the service account of the pod
 * @param stopped gives up what still waits for an answer
 * @param requestMs how long an answer may take
 */
export async function statefulSetReplicas(
  { statefulSet: name, namespace: given }: Application,
  kubeconfig: string | null,
  stopped: AbortSignal,
  requestMs = REQUEST_MS,
): Promise<Replicas> {
  const kubernetes = await openKubernetes(kubeconfig, given ?? null);
  const { module, namespace, statefulSets } = kubernetes;

  const ask = async <T>(request: (options: RequestOptions) => Promise<T>): Promise<T> => {
    const deadline = AbortSignal.timeout(requestMs);
    try {
      return await kubernetes.ask(AbortSignal.any([stopped, deadline]), request);
    } catch (error) {
      if (deadline.aborted) throw new Error(`the API server did not answer within ${requestMs} ms`);
      const status = statusOf(error);
      if (status === null) throw new Error(`the API server: ${reasonOf(error)}`);
      throw new Error(`the API server answers ${status}${remedyOf(status, `${namespace}/${name}`)}`);
    }
  };
  return {
    async read() {
      const { spec } = await ask((options) =>
        statefulSets.readNamespacedStatefulSetScale({ name, namespace }, options),
      );
      // What is 0 is left out. What is no answer to this must not pass for 0.
      const replicas = spec ? (spec.replicas ?? 0) : null;
      if (!Number.isInteger(replicas) || replicas === null || replicas < 0)
        throw new Error(`the API server’s answer on ${namespace}/${name} is not its scale`);
      return replicas;
    },
    async write(replicas) {
      const body = { spec: { replicas } };
      await ask((options) => {
        const merge = module.setHeaderOptions('Content-Type', module.PatchStrategy.MergePatch, options);
        return statefulSets.patchNamespacedStatefulSetScale({ name, namespace, body }, merge);
      });
    },
  };
}

function remedyOf(code: number, what: string): string {
  if (code === 403) return `: allow get and patch on statefulsets/scale of ${what}`;
  return code === 404 ? `: there is no StatefulSet ${what}` : '';
}
