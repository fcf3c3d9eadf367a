import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role';
import { Service } from 'kubernetes-models/v1/Service';
import { afterAll, describe, expect, it } from 'vitest';
import { checkDeploy, lint, verdictOf } from '../../deploy/check/check.ts';
import { all, idOf, type Overlay, workloads } from '../../deploy/check/overlay.ts';
import { CHART_STANDBY } from '../../deploy/check/render.ts';
import { isShellScript, shellFindings } from '../../deploy/check/shell.ts';
import { findTool } from '../../deploy/check/tools.ts';
import { wrongTypes } from '../../deploy/check/types.ts';
import { object, overlayOf, workload } from './objects.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const report = await checkDeploy(root);
const { overlays, problems, unchecked } = report;
// What a machine can't check must be seen to be unchecked.
for (const line of unchecked) process.stderr.write(`deploy:check: ${line}\n`);
const isRendered = overlays.some(({ name }) => name === 'deploy/base');

const directory = mkdtempSync(join(tmpdir(), 'clusterplex-deploy-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('what is deployed', () => {
  it('renders, is of its types, and breaks no rule', () => {
    expect(problems).toEqual([]);
  });

  it('is checked as a whole in CI, where nobody reads what is not', () => {
    // biome-ignore lint/style/noProcessEnv: whoever runs the tests says so
    expect(process.env['CI'] ? unchecked : []).toEqual([]);
  });

  it.runIf(isRendered)('has an overlay for each component', () => {
    const names = overlays.map(({ name }) => name);
    const components = ['nvidia', 'intel', 'keda', 'prometheus', 'grafana', 'traefik', 'longhorn-transcode'];
    for (const component of [...components, 'dfs-mount', 'dfs-pv', 'flux']) {
      expect(names).toContain(`test/fixtures/deploy/${component}`);
    }
  });

  it.runIf(isRendered)('is in its parts what it is as a whole', () => {
    const homelab = 'deploy/overlays/homelab';
    const parts = ['core', 'dfs', 'workers'].flatMap((part) => objectsOf(`${homelab}/${part}`));
    expect(texts(parts)).toEqual(texts(objectsOf(homelab)));
  });

  it.runIf(isRendered)('has every value of the site in its place', () => {
    expect(texts(objectsOf('deploy/overlays/homelab')).join('\n')).not.toContain('from-homelab.env');
  });
});

const hasChart = overlays.some(({ name }) => name === 'deploy/chart');

describe('the chart', () => {
  it.runIf(isRendered && hasChart).each(['pms', 'orchestrator', 'worker'])(
    'gives %s what the kustomization gives it',
    (part) => {
      for (const chart of ['deploy/chart', CHART_STANDBY])
        expect(essentials(chart, part)).toEqual(essentials('deploy/base', part));
    },
  );

  it.runIf(isRendered && hasChart)('gives a standby and policies as the kustomization does', () => {
    const roles = (overlay: string) =>
      all(objectsOf(overlay), Role.is)
        .flatMap(({ rules }) => rules ?? [])
        .filter(({ resources }) => !resources?.includes('statefulsets/scale'));
    expect(roles(CHART_STANDBY)).toEqual(roles('deploy/base'));
    const policies = (overlay: string) =>
      Object.fromEntries(
        all(objectsOf(overlay), NetworkPolicy.is).map(({ metadata, spec }) => [metadata?.name ?? '', spec]),
      );
    const { default: forAll, ...base } = policies('deploy/base');
    // The kustomization has a namespace to itself, and a policy for all pods in it.
    const expected = Object.entries(base).map(([name, spec]) => {
      const egress = spec?.egress ?? [];
      const isOpen = egress.some((rule) => Object.keys(rule).length === 0);
      return [name, { ...spec, egress: isOpen ? egress : [...(forAll?.egress ?? []), ...egress] }];
    });
    const labels = /\{"app.kubernetes.io\/instance":"clusterplex","app.kubernetes.io\/name":"(\w+)"\}/g;
    const given = JSON.stringify(policies(CHART_STANDBY));
    const renamed = given.replaceAll(labels, '{"app.kubernetes.io/name":"clusterplex-$1"}');
    expect(JSON.parse(renamed)).toEqual(Object.fromEntries(expected));
    const service = all(objectsOf(CHART_STANDBY), Service.is).find(
      ({ metadata }) => metadata?.name === 'clusterplex-orchestrator',
    );
    expect(service?.spec?.selector).toMatchObject({ 'clusterplex.io/role': 'leader' });
  });

  it.runIf(hasChart)('puts each value of ClusterPlex where it belongs', () => {
    const text = texts(objectsOf('test/fixtures/deploy/chart')).join('\n');
    const everywhere = [
      'Europe/Berlin',
      'registry.example.org/pms:1',
      'registry.example.org/orchestrator:0.1.0',
    ];
    const settings = ['claim-x', '32401', '32498', 'remote', '3600', '"RR"', '3601', '5000', 'cuda', 'debug'];
    const storage = ['"rwx"', '20Gi', 'films', '/mnt/tv', '"9Gi"', '"fast"', 'clusterplex-ssl'];
    const rest = ['plex.example.org', 'nginx', 'grafana_dashboard', '15s', '"replicas":3', 'nodeSelector'];
    for (const word of [...everywhere, ...settings, ...storage, ...rest]) expect(text).toContain(word);
  });
});

const helm = await findTool(root, 'helm');

describe('the chart refuses', () => {
  it.runIf(helm).each([
    ['a value that it does not know', 'worker.config.replica=2', "'replica' not allowed"],
    ['no workers at all', 'worker.config.replicas=0', 'minimum: got 0'],
    ['an image of PMS without a hook', 'global.plexImage.repository=linuxserver/plex', 'has no hook'],
    ["ClusterPlex's orchestrator", 'orchestrator.image.repository=ghcr.io/pabloromeo/a', 'another protocol'],
    ['no address where there is no relay', 'pms.config.localRelayEnabled=false', 'must be an IPv4 address'],
  ])('%s', async (_what, value, complaint) => {
    const template = ['template', 'a', join(root, 'deploy/chart'), '--set', value];
    await expect(promisify(execFile)(helm ?? '', template)).rejects.toThrow(complaint);
  });
});

describe('the check', () => {
  it('finds keys that a kind does not have, and values that it must not have', async () => {
    const container = { image: 'a:1', prts: [] };
    const overlay = overlayOf([workload('StatefulSet', 'a', { container, spec: { replicas: '2' } })]);
    const found = await wrongTypes(root, [overlay]);
    expect(found.join('\n')).toMatch(/StatefulSet media\/a: .*prts.* does not exist in type 'IContainer'/);
    expect(found.join('\n')).toMatch(/Type 'string' is not assignable to type 'number'/);
  });

  it('finds kinds that it has no types of', async () => {
    const overlay = overlayOf([{ apiVersion: 'example.org/v1', kind: 'Thing', metadata: { name: 'a' } }]);
    expect((await wrongTypes(root, [overlay])).join('\n')).toContain('Cannot find module');
  });

  it('names the rule, the object and the reason', () => {
    const found = lint(overlayOf([workload('Deployment', 'a', {})]));
    expect(found).toContainEqual(
      expect.stringMatching(/^no-service-links: Deployment media\/a lacks .*\n {2}Kubernetes injects/),
    );
  });

  it('refuses a secret in the open, in the part where it is put, and takes one that SOPS has encrypted', async () => {
    const secret = (value: string) => {
      const fields = { ...{ stringData: { token: value }, sops: { version: '3.9.0' } } };
      const { objects } = overlayOf([object('Secret', 'clusterplex-token', fields)]);
      return { name: 'deploy/overlays/homelab/core', objects };
    };
    expect(lint(secret('in the open')).join('\n')).toContain(
      'no-secret-in-git: Secret media/clusterplex-token',
    );
    expect(lint(secret('ENC[AES256_GCM,data:x]'))).toEqual([]);
    expect(await wrongTypes(root, [secret('ENC[AES256_GCM,data:x]')])).toEqual([]);
  });

  it('does not pass off as a success what it could not look at', () => {
    const seen = { overlays: [], problems: [], unchecked: [] };
    expect(verdictOf(seen).exitCode).toBe(0);
    const blind = verdictOf({ ...seen, unchecked: ['NOT CHECKED: no kubectl'] });
    expect(blind).toEqual({
      text: '0 overlays, 0 objects, 0 problems, and 1 NOT CHECKED, see above',
      exitCode: 2,
    });
    expect(verdictOf({ ...seen, problems: ['one'] }).exitCode).toBe(1);
  });

  it('takes no program that is too old', async () => {
    const old = join(directory, 'helm');
    writeFileSync(old, '#!/bin/sh\necho v2.17.0\n');
    chmodSync(old, 0o755);
    expect(await findTool(root, 'helm', old)).not.toBe(old);
    writeFileSync(old, '#!/bin/sh\necho v3.17.0\n');
    expect(await findTool(root, 'helm', old)).toBe(old);
  });

  it.skipIf(unchecked.some((line) => line.includes('shellcheck')))(
    'finds what is wrong in a script',
    async () => {
      expect(isShellScript('deploy/run', '#!/usr/bin/with-contenv bash\n')).toBe(true);
      expect(isShellScript('deploy/a.yaml', 'a: b\n')).toBe(false);
      const script = join(directory, 'bad.sh');
      writeFileSync(script, '#!/bin/sh\nrm $1\n');
      expect(await shellFindings(root, [script])).toContainEqual(expect.stringContaining('SC2086'));
    },
  );
});

/** What keeps a part safe and lets it end in peace, whoever installed it. */
function essentials(overlay: string, part: string): unknown {
  const found = workloads({ name: overlay, objects: objectsOf(overlay) }).find(({ containers }) => {
    return containers.some(({ name }) => name === part);
  });
  const container = found?.containers[0];
  const { enableServiceLinks, terminationGracePeriodSeconds, securityContext } = found?.pod ?? {};
  return {
    ...{
      enableServiceLinks,
      terminationGracePeriodSeconds,
      image: container?.image,
      ports: container?.ports,
    },
    security: [securityContext?.runAsNonRoot, securityContext?.seccompProfile, container?.securityContext],
    probes: [container?.readinessProbe, container?.livenessProbe].map(
      (probe) => probe?.httpGet ?? probe?.exec,
    ),
    memory: container?.resources?.limits,
    writes: container?.volumeMounts
      ?.filter(({ readOnly }) => !readOnly)
      .map(({ mountPath }) => mountPath)
      .sort(),
    token: container?.env?.find(({ name }) => name === 'CLUSTERPLEX_TOKEN_FILE'),
    drain: container?.env?.find(({ name }) => name === 'DRAIN_TIMEOUT_MS' && part === 'worker'),
  };
}

function objectsOf(name: string): Overlay['objects'] {
  return overlays.find((overlay) => overlay.name === name)?.objects ?? [];
}

function texts(objects: Overlay['objects']): string[] {
  return objects.map((object) => `${idOf(object)} ${JSON.stringify(object)}`).sort();
}
