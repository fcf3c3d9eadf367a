import { expect, onTestFinished, test } from 'vitest';
import { statefulSetReplicas } from '../../orchestrator/scale/statefulSet.ts';
import { FakeScaleApi } from '../support/fakeScaleApi.ts';

async function stage(application: { statefulSet: string; namespace?: string }) {
  const api = await FakeScaleApi.start({ namespace: 'plex', name: 'worker', replicas: 2 });
  onTestFinished(() => api.stop());
  const stopped = new AbortController();
  return {
    api,
    stopped,
    replicas: await statefulSetReplicas(application, api.kubeconfig, stopped.signal, 500),
  };
}

test('replicas are read and set through /scale, in the kubeconfig’s namespace, and nothing else is asked', async () => {
  const { api, replicas } = await stage({ statefulSet: 'worker' });
  expect(await replicas.read()).toBe(2);
  await replicas.write(0);
  expect(await replicas.read()).toBe(0);
  const authorization = 'Bearer token-of-the-service-account';
  const read = { method: 'GET', path: api.path, type: undefined, authorization };
  const patch = { method: 'PATCH', path: api.path, type: 'application/merge-patch+json', authorization };
  expect(api.requests).toEqual([read, patch, read]);
});

test('what goes wrong is told in words that say what to do', async () => {
  const { api, replicas } = await stage({ statefulSet: 'worker', namespace: 'plex' });
  api.fault = 403;
  await expect(replicas.write(1)).rejects.toThrow(
    'the API server answers 403: allow get and patch on statefulsets/scale of plex/worker',
  );
  api.fault = 500;
  await expect(replicas.read()).rejects.toThrow(/^the API server answers 500$/);
  api.fault = 'hang';
  await expect(replicas.read()).rejects.toThrow('the API server did not answer within 500 ms');
  const elsewhere = await stage({ statefulSet: 'worker', namespace: 'other' });
  await expect(elsewhere.replicas.read()).rejects.toThrow(
    'the API server answers 404: there is no StatefulSet other/worker',
  );
});

test.each([
  {},
  { spec: null },
  { spec: { replicas: -1 } },
  { spec: { replicas: 1.5 } },
  { spec: { replicas: 'all' } },
])('an answer of %j is not taken for a number of replicas', async (answer) => {
  const { api, replicas } = await stage({ statefulSet: 'worker' });
  api.answer = answer;
  await expect(replicas.read()).rejects.toThrow('the API server’s answer on plex/worker is not its scale');
});

test('an API server that is not there is named by its reason', async () => {
  const { api, replicas } = await stage({ statefulSet: 'worker' });
  await api.stop();
  await expect(replicas.read()).rejects.toThrow(/the API server: .*ECONNREFUSED/);
});

test('who stops waits for no answer', async () => {
  const { api, stopped, replicas } = await stage({ statefulSet: 'worker' });
  api.fault = 'hang';
  const reading = replicas.read();
  stopped.abort();
  await expect(reading).rejects.toThrow('the API server: ');
});

test('where there is no Kubernetes that is said', async () => {
  const { signal } = new AbortController();
  await expect(statefulSetReplicas({ statefulSet: 'worker' }, null, signal)).rejects.toThrow(
    'nothing says how to reach Kubernetes: there is no /var/run/secrets/kubernetes.io/serviceaccount/token',
  );
});
