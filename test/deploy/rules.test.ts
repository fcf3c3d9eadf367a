import { describe, expect, it } from 'vitest';
import { fileRules, rules } from '../../deploy/check/rules/index.ts';
import { alsoRefused, connectionExamples } from './connectionExamples.ts';
import { referenceExamples, securityExamples, storageExamples, workerExamples } from './examples.ts';
import { overlayOf } from './objects.ts';
import { standbyExamples } from './standbyExamples.ts';

const examples = {
  ...referenceExamples,
  ...connectionExamples,
  ...storageExamples,
  ...securityExamples,
  ...workerExamples,
  ...standbyExamples,
};

const exported = (client: string, options: string) => `/mnt/clusterplex/dfs ${client}(${options})\n`;
const W1 = 'deploy/host/exports.d/w1.exports';
const W2 = 'deploy/host/exports.d/w2.exports';
const ALERTS = 'deploy/prometheus/rules.yaml';
const ALERT_OBJECT = 'deploy/components/prometheus/rules.yaml';
const SITE = 'deploy/overlays/homelab/site';

type Files = Readonly<Record<string, string>>;

const fileExamples: Readonly<Record<string, { bad: Files; good: Files }>> = {
  'export-needs-its-mount': {
    bad: { [W1]: exported('192.168.1.0/24', 'ro,insecure,fsid=112') },
    good: { [W1]: exported('192.168.1.0/24', 'ro,insecure,mp,fsid=112') },
  },
  'fsid-of-one-host': {
    bad: {
      [W1]: exported('192.168.1.0/24', 'mp,fsid=7'),
      [W2]: exported('192.168.1.0/24', 'mp,fsid=7'),
    },
    good: {
      [W1]: exported('192.168.1.0/24', 'mp,fsid=112'),
      [W2]: exported('192.168.1.0/24', 'mp,fsid=122'),
    },
  },
  'export-is-for-nodes': {
    bad: { [W1]: exported('10.0.0.0/8', 'insecure') },
    good: { [W1]: exported('192.168.1.0/24', 'insecure') },
  },
  'images-of-one-plex': {
    bad: {
      'deploy/images/pms/Dockerfile': 'ARG PLEX=plex:1.42\n',
      'deploy/base/workers/worker.yaml': '  clusterplex.io/plex-image: plex:1.43\n',
    },
    good: {
      'deploy/images/pms/Dockerfile': 'ARG PLEX=plex:1.42\n',
      'deploy/base/workers/worker.yaml': '  clusterplex.io/plex-image: plex:1.42\n',
    },
  },
  'alerts-are-one': {
    bad: { [ALERTS]: 'groups: [{ name: a }]', [ALERT_OBJECT]: 'spec: { groups: [{ name: b }] }' },
    good: { [ALERTS]: 'groups: [{ name: a }]', [ALERT_OBJECT]: 'spec: { groups: [{ name: a }] }' },
  },
  'site-is-in-one-place': {
    bad: { [`${SITE}/homelab.env`]: 'TZ=UTC\n', [`${SITE}/replacements.yaml`]: '' },
    good: {
      [`${SITE}/homelab.env`]: 'TZ=UTC\n',
      [`${SITE}/replacements.yaml`]: '- source: { fieldPath: data.TZ }',
    },
  },
};

describe('rules for what is deployed', () => {
  it('each has an example', () => {
    expect(Object.keys(examples).sort()).toEqual(rules.map(({ name }) => name).sort());
    expect(Object.keys(fileExamples).sort()).toEqual(fileRules.map(({ name }) => name).sort());
  });

  it.each(rules.map((rule) => [rule.name, rule] as const))('%s', (name, { check, why }) => {
    const { bad, good } = examples[name] ?? { bad: [], good: [] };
    expect([...check(overlayOf(bad))]).not.toEqual([]);
    expect([...check(overlayOf(good))]).toEqual([]);
    expect(why).toMatch(/\.$/);
  });

  it.each(alsoRefused)('%s: %s', (name, _what, objects) => {
    const found = rules
      .filter((rule) => rule.name === name)
      .flatMap(({ check }) => [...check(overlayOf(objects))]);
    expect(found).not.toEqual([]);
  });

  it.each(fileRules.map((rule) => [rule.name, rule] as const))('%s', (name, { check, why }) => {
    const { bad, good } = fileExamples[name] ?? { bad: {}, good: {} };
    expect([...check(new Map(Object.entries(bad)))]).not.toEqual([]);
    expect([...check(new Map(Object.entries(good)))]).toEqual([]);
    expect(why).toMatch(/\.$/);
  });
});
