import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PASSED_VARIABLES, WORKER_VARIABLES } from '#shared/env.ts';
import { ERROR_CODES } from '#shared/errors.ts';
import { KNOWN_SETTINGS } from '#shared/settings/names.ts';
import { MOUNT_METRICS, PROBE_METRICS } from '../../dfs/metrics.ts';
import { configurationText, SETTINGS_BY_PART } from '../../docs/generate.ts';
import { ORCHESTRATOR_METRICS } from '../../orchestrator/metricTable.ts';
import { WORKER_METRICS } from '../../worker/metrics.ts';
import { ATTEMPT_VARIABLE, OWNER_VARIABLE } from '../../worker/transcoder/owner.ts';
import { codeIn, readDoc, rowsOf, sectionOf } from './markdown.ts';

const doc = readDoc('configuration.md');

test('docs/configuration.md is what the code says: else run `npm run docs`', () => {
  expect(doc).toBe(configurationText());
});

test('every setting of every part is known to the others, and no name is known that no part reads', () => {
  const names = Object.values(SETTINGS_BY_PART).flatMap((table) => Object.keys(table));
  expect([...KNOWN_SETTINGS]).toEqual([...new Set(names)].toSorted());
});

describe.each(Object.entries(SETTINGS_BY_PART))('%s', (part, table) => {
  const rows = rowsOf(sectionOf(doc, part));

  test('stands with every setting, and no other', () => {
    expect(rows.map(([name = '']) => codeIn(name)[0])).toEqual(Object.keys(table));
  });

  test('has a meaning for each, which ends as a sentence does', () => {
    for (const [, , , meaning] of rows) expect(meaning).toMatch(/^.{10,}\.$/);
  });

  test('shows the default that counts', () => {
    for (const [name, { default: shown, absent, parse }] of Object.entries(table)) {
      // A default that depends on the machine can't be read back.
      if (shown === null || shown.includes('…')) continue;
      expect({ name, value: parse(shown) }).toEqual({ name, value: absent });
    }
  });

  test('shows no default of a secret', () => {
    for (const { secret, default: shown } of Object.values(table)) if (secret) expect(shown).toBeNull();
  });
});

test('tokens are secrets, and headers, which hold some', () => {
  for (const table of Object.values(SETTINGS_BY_PART)) {
    for (const [name, { secret }] of Object.entries(table))
      expect(secret).toBe(/_(TOKEN|HEADERS)$/.test(name));
  }
});

test('a setting of several parts has one form in all of them', () => {
  const seen = new Map<string, string>();
  for (const table of Object.values(SETTINGS_BY_PART)) {
    for (const [name, { form }] of Object.entries(table)) {
      expect({ name, form: seen.get(name) ?? form }).toEqual({ name, form });
      seen.set(name, form);
    }
  }
});

test('no setting looks like the variables that Kubernetes makes for a Service called clusterplex', () => {
  for (const name of KNOWN_SETTINGS) expect(name).not.toMatch(/^CLUSTERPLEX_.*(_PORT|_SERVICE_HOST|_TCP)/);
});

test('every variable that a transcoder may see is listed, and no other', () => {
  const listed = codeIn(sectionOf(doc, 'What a transcoder sees of the environment'));
  expect(listed).toEqual([...PASSED_VARIABLES, ...WORKER_VARIABLES, OWNER_VARIABLE, ATTEMPT_VARIABLE]);
});

test('every error code is described, and no other', () => {
  const described = rowsOf(sectionOf(doc, 'Errors')).map(([code = '']) => codeIn(code)[0]);
  expect(described).toEqual([...ERROR_CODES]);
});

describe('exit codes', () => {
  const rows = rowsOf(sectionOf(doc, 'Exit codes'));

  test.each([
    ['all long-lived parts', ['shared/main.ts']],
    ['orchestrator', ['orchestrator/main.ts']],
    ['hook', ['pms/hook.ts', 'pms/relay/exit.ts']],
    ['installer', ['pms/install.ts']],
    ['command line', ['cli/failure.ts']],
  ])('of %s are those of the code', (part, files) => {
    const defined = files.flatMap((file) => {
      const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
      const constants = source.matchAll(
        /^(?:export )?const (?:BAD_SETTINGS|INTERNAL|FAILED|NO_RELAY|NO_WORKER|INCOMPLETE|UNREACHABLE|NOT_LEADING) = (\d+);$/gm,
      );
      const codes = [...constants].map(([, code = '']) => code);
      expect(codes.length).toBeGreaterThan(0);
      return codes;
    });
    const described = rows.flatMap(([name, code = '']) =>
      name === part && /^[1-9]\d*$/.test(code) ? [code] : [],
    );
    expect(described).toEqual([...new Set(defined)].toSorted());
  });
});

describe('metrics', () => {
  const rows = rowsOf(sectionOf(doc, 'Metrics'));
  const all = [...ORCHESTRATOR_METRICS, ...WORKER_METRICS, ...PROBE_METRICS, ...MOUNT_METRICS];

  test('stand with type and labels, and no other', () => {
    expect(rows.map(([name = '', type, labels = '']) => [codeIn(name)[0], type, codeIn(labels)])).toEqual(
      all.map(({ name, type, labels }) => [name, type, [...labels]]),
    );
  });

  test('have one meaning each', () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  });

  test('keep the names and labels of ClusterPlex, and are prefixed otherwise', () => {
    const kept = all.filter(({ name }) => !name.startsWith('clusterplex_'));
    expect(kept.map(({ name, labels }) => [name, ...labels].join(' '))).toEqual([
      'jobs_posted',
      'jobs_completed',
      'jobs_succeeded',
      'jobs_failed',
      'jobs_killed',
      'job_posters_active',
      'workers_active',
      'worker_load_cpu worker_name',
      'worker_load_tasks worker_name',
      'worker_load_ops worker_name',
      'worker_load_rank worker_name',
    ]);
  });
});
