import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { openKubernetes } from '../../../orchestrator/kubernetes.ts';

test.each([
  ['users:\n  - user: {token: hush\n', 'line 3 of the file: deficient indentation'],
  ['users:\n  token: *hush\n', 'line 2 of the file: unidentified alias'],
  ['users:\n  token: !hush x\n', 'line 2 of the file: unknown scalar tag'],
  ['users: [hush]\n', 'the file is no kubeconfig'],
  ['hush', 'No active cluster!'],
])('of the kubeconfig %j it is told what is wrong, and nothing that stands in it', async (text, problem) => {
  const directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'config'), text);
  const error = await openKubernetes(join(directory, 'config'), null).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ message: `nothing says how to reach Kubernetes: ${problem}` });
  expect(inspect(error)).not.toContain('hush');
});
