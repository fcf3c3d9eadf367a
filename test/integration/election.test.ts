import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { readSettings } from '#shared/settings/read.ts';
import { orchestratorSettings } from '../../orchestrator/config.ts';
import { type Candidacy, candidacyOf } from '../../orchestrator/leader/candidacy.ts';
import { type ApiRequest, FakeKubernetes, type Trouble } from '../support/fakeKubernetes.ts';

const HANG: Trouble = { do: 'hang' };
const [RENEW_DEADLINE_MS, RETRY_MS] = [1_600, 100];

let kubernetes: FakeKubernetes;
let directory: string;
let log: { msg: string; reason?: string }[];
const started: Candidacy[] = [];

beforeEach(async () => {
  kubernetes = await FakeKubernetes.start();
  directory = mkdtempSync(join(tmpdir(), 'election-'));
  for (const pod of ['a', 'b']) kubernetes.addPod(pod);
  log = [];
});

afterEach(async () => {
  kubernetes.trouble = () => null;
  await Promise.all(started.splice(0).map((candidacy) => candidacy.stop()));
  await kubernetes.close();
  rmSync(directory, { recursive: true });
});

async function candidate(pod: string, env: Record<string, string> = {}) {
  const kubeconfig = join(directory, pod);
  kubernetes.writeKubeconfig(kubeconfig, pod);
  const settings = readSettings(
    orchestratorSettings,
    {
      ...{ LEADER_ELECTION: 'lease', KUBECONFIG: kubeconfig, POD_NAME: pod },
      LEASE_DURATION_MS: '2000',
      LEASE_RENEW_DEADLINE_MS: String(RENEW_DEADLINE_MS),
      LEASE_RETRY_MS: String(RETRY_MS),
      ...env,
    },
    () => '',
  );
  const events: string[] = [];
  const logger = pino({}, { write: (line) => void log.push(JSON.parse(line)) });
  const candidacy = await candidacyOf(settings, systemClock, logger, {
    elected: () => events.push('elected'),
    deposed: () => events.push('deposed'),
  });
  started.push(candidacy);
  candidacy.start();
  const { leadership } = candidacy;
  const leads = () => vi.waitFor(() => expect(events).toEqual(['elected']), { timeout: 15_000 });
  const isDeposed = () =>
    vi.waitFor(() => expect(events).toEqual(['elected', 'deposed']), { timeout: 15_000 });
  return { candidacy, leadership, events, leads, isDeposed };
}

function isLease({ path }: ApiRequest): boolean {
  return path.includes('/leases');
}

test('the first one leads, and wears the label; the other one stands by, and takes over on release', async () => {
  const first = await candidate('a');
  await first.leads();
  expect(first.leadership).toMatchObject({ leads: true, term: 1, problem: null });
  const second = await candidate('b');
  await vi.waitFor(() => expect(second.leadership.holder).toBe(first.leadership.holder), { timeout: 15_000 });
  expect(second.leadership).toMatchObject({ leads: false, problem: null });
  await kubernetes.until(() => kubernetes.leaders.join() === 'a');

  const stopped = first.candidacy.stop();
  expect(first.leadership.leads).toBe(false);
  await stopped;
  await second.leads();
  expect(second.leadership.term).toBe(2);
  await kubernetes.until(() => kubernetes.leaders.join() === 'b');
  expect(kubernetes.lease).toMatchObject({ leaseDurationSeconds: 2, leaseTransitions: 2 });
});

test('the leader takes the label off pods of its app, such as one whose node has died, and off no others', async () => {
  kubernetes.addPod('b', { 'clusterplex.io/role': 'leader' });
  kubernetes.addPod('other', { 'clusterplex.io/role': 'leader', 'app.kubernetes.io/name': 'another' });
  const { leads } = await candidate('a');
  await leads();
  await kubernetes.until(() => kubernetes.leaders.join() === 'a,other');
});

test('a standby takes the label off itself', async () => {
  kubernetes.steal('somebody');
  kubernetes.addPod('a', { 'clusterplex.io/role': 'leader' });
  await candidate('a');
  await kubernetes.until(() => kubernetes.leaders.length === 0);
});

test('without an answer to its renewals it leads for the renew deadline, and not for longer', async () => {
  const { leads, isDeposed, leadership } = await candidate('a');
  await leads();
  let renewedAt = 0;
  kubernetes.trouble = (request) => {
    if (!isLease(request)) return null;
    renewedAt ||= performance.now();
    return HANG;
  };
  await isDeposed();
  const ledFor = performance.now() - renewedAt + RETRY_MS;
  expect(leadership.leads).toBe(false);
  expect(ledFor).toBeGreaterThan(RENEW_DEADLINE_MS - 100);
  expect(ledFor).toBeLessThan(RENEW_DEADLINE_MS + 800);
  expect(log.map(({ reason }) => reason)).toContain(`no answer within ${RENEW_DEADLINE_MS / 2} ms`);
});

test.each<[string, (count: number) => Trouble | null]>([
  ['one hangs', (count) => (count === 0 ? HANG : null)],
  ['one is carried out without an answer', (count) => (count === 0 ? { do: 'carry-out-and-hang' } : null)],
  ['all are slow', () => ({ do: 'delay', ms: 250 })],
  [
    'every other one fails',
    (count) => (count % 2 === 0 ? { do: 'refuse', status: 500, message: 'etcd is elsewhere' } : null),
  ],
])('it leads on when of its requests %s', async (_what, troubleOf) => {
  const { leads, events, leadership } = await candidate('a');
  await leads();
  let count = 0;
  kubernetes.trouble = (request) => {
    if (!isLease(request)) return null;
    count += 1;
    return troubleOf(count - 1);
  };
  await kubernetes.until(() => count === 8);
  expect([events, leadership.leads, leadership.term]).toEqual([['elected'], true, 1]);
});

test('it leads no more as soon as it sees that the Lease is somebody else’s', async () => {
  const { leads, isDeposed, leadership } = await candidate('a');
  await leads();
  kubernetes.steal('b_1');
  await isDeposed();
  expect([leadership.leads, leadership.holder]).toEqual([false, 'b_1']);
  expect(kubernetes.holder).toBe('b');
});

test('its requests share connections', async () => {
  const { leads } = await candidate('a');
  await leads();
  await kubernetes.until(() => kubernetes.requests.length > 15);
  expect(kubernetes.connections).toBeLessThan(5);
});

test('what others have put into the Lease stays', async () => {
  kubernetes.putLease({ holderIdentity: '', strategy: 'kept', leaseTransitions: 7 }, { owner: 'flux' });
  const { leads, leadership } = await candidate('a');
  await leads();
  expect(leadership.term).toBe(8);
  expect(kubernetes.lease).toMatchObject({ strategy: 'kept' });
  expect(kubernetes.leaseLabels).toEqual({ owner: 'flux' });
});

test('what the leader notes is in the Lease, whoever leads, and when somebody has deleted it', async () => {
  const first = await candidate('a');
  await first.leads();
  if (!first.candidacy.note) throw new Error('it has no Lease');
  first.candidacy.note.text = 'four for an evening';
  await kubernetes.until(() => kubernetes.leaseNote === 'four for an evening');
  const second = await candidate('b');
  await vi.waitFor(() => expect(second.leadership.holder).toBe(first.leadership.holder), { timeout: 15_000 });
  kubernetes.deleteLease();
  await kubernetes.until(() => kubernetes.leaseNote !== null);
  expect(kubernetes.holder).toBe('a');
  await first.candidacy.stop();
  await second.leads();
  expect(second.candidacy.note?.text).toBe('four for an evening');
  expect(kubernetes.leaseNote).toBe('four for an evening');
});

test('one that may not read the Lease could not take over, and says why; the rest of it goes on trying', async () => {
  const message = 'leases.coordination.k8s.io is forbidden';
  kubernetes.trouble = (request) => (isLease(request) ? { do: 'refuse', status: 403, message } : null);
  const { leadership, leads } = await candidate('a');
  await vi.waitFor(() => expect(leadership.problem).toContain(`HTTP 403 ${message}`), { timeout: 15_000 });
  kubernetes.trouble = () => null;
  await leads();
  expect(leadership.problem).toBe(null);
});

test('a label that can’t be set is tried again, and costs no leadership', async () => {
  kubernetes.trouble = ({ path }) => (path.includes('/pods') ? HANG : null);
  const { leads, events } = await candidate('a');
  await leads();
  await vi.waitFor(
    () => expect(log.map(({ msg }) => msg)).toContain('the label clusterplex.io/role could not be set'),
    { timeout: 15_000 },
  );
  kubernetes.trouble = () => null;
  await kubernetes.until(() => kubernetes.leaders.join() === 'a');
  expect(events).toEqual(['elected']);
});

test.each([
  [
    { LEASE_RENEW_DEADLINE_MS: '2000' },
    'LEASE_DURATION_MS is 2000, which is not more than LEASE_RENEW_DEADLINE_MS',
  ],
  [{ LEASE_RETRY_MS: '1700' }, 'LEASE_RENEW_DEADLINE_MS is 1600, which is not more than LEASE_RETRY_MS'],
  [{ LEASE_RETRY_MS: '0' }, 'LEASE_RETRY_MS is 0, which is not more than 0'],
  [{ KUBECONFIG: '/nowhere' }, 'nothing says how to reach Kubernetes: ENOENT'],
  [{ KUBECONFIG: '' }, 'there is no /var/run/secrets/kubernetes.io/serviceaccount/token'],
])('with %j there can be no election, and it says why', async (env, problem) => {
  await expect(candidate('a', env)).rejects.toThrow(problem);
});
