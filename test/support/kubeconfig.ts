/** Leads to a stand-in of the API server; the client takes plain HTTP only so. */
export function kubeconfigOf(given: { server: string; namespace: string; token: string }): string {
  const { server, namespace, token } = given;
  return JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test' },
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
  });
}
