import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { openKubernetes } from '../../../../orchestrator/kubernetes.ts';
import { LeaderLabel } from '../../../../orchestrator/leader/leaderLabel.ts';
import { FakeKubernetes, ROLE } from '../../../support/fakeKubernetes.ts';
import { FakeClock } from '../fakeClock.ts';

const PODS = '/api/v1/namespaces/media/pods';

/** It leads until it asks for this; then `b` and `c` have the label. */
async function stage(deposedBy: (request: string) => boolean) {
  const directory = mkdtempSync(join(tmpdir(), 'label-'));
  const api = await FakeKubernetes.start();
  onTestFinished(async () => {
    await api.close();
    rmSync(directory, { recursive: true });
  });
  api.writeKubeconfig(join(directory, 'config'), 'a');
  api.addPod('a');
  for (const name of ['b', 'c']) api.addPod(name, { [ROLE]: 'leader' });
  let leads = true;
  api.trouble = ({ method, path }) => {
    if (deposedBy(`${method} ${path}`)) leads = false;
    return null;
  };
  const label = new LeaderLabel({
    kubernetes: await openKubernetes(join(directory, 'config'), null),
    ...{ podName: 'a', leads: () => leads, timeoutMs: 5_000, retryMs: 1_000 },
    ...{ clock: new FakeClock(), logger: pino({ level: 'silent' }) },
  });
  await label.update();
  return { api, asked: api.requests.map(({ method, path }) => `${method} ${path}`) };
}

test('the leader takes the label off all others', async () => {
  const { api } = await stage(() => false);
  expect(api.leaders).toEqual(['a']);
});

test('one that was deposed while it looked at its pod does not ask who else has the label', async () => {
  const { asked } = await stage((request) => request === `GET ${PODS}/a`);
  expect(asked).toEqual([`PATCH ${PODS}/a`, `GET ${PODS}/a`]);
});

test('one that was deposed while it asked takes the label off nobody, and off no other one later', async () => {
  expect((await stage((request) => request === `GET ${PODS}`)).api.leaders).toEqual(['a', 'b', 'c']);
  expect((await stage((request) => request === `PATCH ${PODS}/b`)).api.leaders).toEqual(['a', 'c']);
});
