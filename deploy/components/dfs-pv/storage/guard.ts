/**
 * Deletes workers whose mount is dead while a server is there: kubelet mounts once for each pod, so that only a new pod has
 * the new server. Run once a minute; needs nothing but Node.
 */
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const ANSWER_MS = 5_000;
/** Its jobs can't go on there; the rest of the drain would only keep the new pod waiting. */
const GRACE_S = 30;
/**
 * What shared/storage/probe.ts says of a mount whose server is lost: a stale handle and an I/O error make the directory
 * "not exist", though kubelet has mounted there. All else a new pod would say as well, minute after minute.
 */
const DEAD = ['does not answer', 'does not exist'];

const { values } = parseArgs({
  options: {
    api: { type: 'string', default: 'https://kubernetes.default.svc' },
    account: { type: 'string', default: '/var/run/secrets/kubernetes.io/serviceaccount' },
    selector: { type: 'string', default: 'app.kubernetes.io/name=clusterplex-worker' },
    'worker-port': { type: 'string', default: '3501' },
    mount: { type: 'string', default: '/mnt/dfs' },
    server: { type: 'string' },
    'again-ms': { type: 'string', default: '20000' },
  },
});
const [host = '', port = '2049'] = (values.server ?? '').split(':');
const token = await readFile(`${values.account}/token`, 'utf8');
const namespace = await readFile(`${values.account}/namespace`, 'utf8');
const pods = `${values.api}/api/v1/namespaces/${namespace}/pods`;

const before = await deadMounts();
if (before.length > 0 && (await serves())) {
  // A mount that was only slow has answered by now.
  await wait(Number(values['again-ms']));
  for (const name of (await deadMounts()).filter((one) => before.includes(one))) {
    process.stdout.write(`deletes ${name}: its ${values.mount} is dead, and ${values.server} serves\n`);
    await ask(`${pods}/${name}?gracePeriodSeconds=${GRACE_S}`, 'DELETE');
  }
}

/** Workers that say that they take no jobs because of the mount. */
async function deadMounts(): Promise<string[]> {
  const list = await ask(`${pods}?labelSelector=${encodeURIComponent(values.selector)}`);
  const found = items(at(list, 'items')).map(async (pod) => {
    const name = at(pod, 'metadata', 'name');
    const address = at(pod, 'status', 'podIP');
    if (typeof name !== 'string' || typeof address !== 'string') return [];
    return (await isDead(address)) ? [name] : [];
  });
  return (await Promise.all(found)).flat();
}

async function isDead(address: string): Promise<boolean> {
  const checks = await fetch(`http://${address}:${values['worker-port']}/ready`, {
    signal: AbortSignal.timeout(ANSWER_MS),
  }).then(
    async (response) => items(at(await response.json(), 'checks')),
    // It starts, ends or hangs, which probes look after.
    () => [],
  );
  return checks.some((check) => {
    const isBlocked = at(check, 'ok') === false && at(check, 'blocking') === true;
    if (!isBlocked || at(check, 'name') !== 'storage') return false;
    const problems = String(at(check, 'message')).split('; ');
    return problems.some((problem) => DEAD.some((words) => problem.startsWith(`${values.mount} ${words}`)));
  });
}

/** Whether an NFS server answers behind the Service: without one, a new pod would not start at all. */
function serves(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port: Number(port), timeout: ANSWER_MS });
  socket.once('connect', () => resolve(true));
  socket.once('timeout', () => resolve(false));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

async function ask(url: string, method = 'GET'): Promise<unknown> {
  const response = await fetch(url, {
    ...{ method, headers: { authorization: `Bearer ${token}` } },
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((inner, key) => {
    return inner !== null && typeof inner === 'object' ? Reflect.get(inner, key) : undefined;
  }, value);
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
