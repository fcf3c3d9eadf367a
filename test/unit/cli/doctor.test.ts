import { describe, expect, test } from 'vitest';
import { mountsIn } from '#shared/storage/mountTable.ts';
import { VERSION } from '#shared/version.ts';
import { complaints } from '../../../cli/attention.ts';
import { clockFinding, versionFinding } from '../../../cli/doctor/cluster.ts';
import { spaceFinding } from '../../../cli/doctor/mounts.ts';
import { nfsRemarks } from '../../../cli/doctor/nfs.ts';
import { temporaryDirectory } from '../../../cli/doctor/pms.ts';
import { serviceLinks } from '../../../cli/doctor/settings.ts';
import { checkFindings, sharedFindings, workerFindings } from '../../../cli/doctor/workers.ts';

describe('NFS, as the kernel shows it', () => {
  const remarks = (options: string, mode: 'ro' | 'rw' = 'rw', type = 'nfs4'): string[] => {
    const line = `36 35 0:33 / /transcode rw,relatime shared:1 - ${type} nas:/transcode ${options}`;
    return mountsIn(line).flatMap((mounted) => nfsRemarks(mounted, mode).map(({ remedy }) => remedy));
  };
  const CACHED = 'mount it with actimeo=1 and lookupcache=positive';

  test.each([
    ['rw,vers=4.2,hard,proto=tcp', [CACHED]],
    ['rw,vers=4.2,soft,proto=tcp', ['mount it with hard instead of soft', CACHED]],
    ['rw,hard,acregmin=1,acregmax=1,acdirmin=1,acdirmax=1,lookupcache=pos', []],
    ['rw,hard,acregmin=1,acregmax=1,acdirmin=1,acdirmax=1', ['mount it with lookupcache=positive']],
    ['rw,hard,acregmax=1,lookupcache=pos', [CACHED]],
    ['rw,hard,acregmax=30,acdirmax=1,lookupcache=pos', [CACHED]],
    ['rw,hard,actimeo=1,lookupcache=none', []],
    ['rw,hard,noac', []],
  ])('%s', (options, expected) => {
    expect(remarks(options)).toEqual(expected);
  });

  test('what is only read may be cached', () => {
    expect(remarks('rw,hard', 'ro')).toEqual([]);
    expect(remarks('rw,soft', 'ro')).toEqual(['mount it with hard instead of soft']);
  });

  test('of other file systems nothing is known', () => {
    expect(remarks('rw,soft', 'rw', 'ext4')).toEqual([]);
  });
});

test('clocks', () => {
  const now = Date.parse('2026-11-21T18:00:10Z');
  expect(clockFinding('Sat, 21 Nov 2026 18:00:08 GMT', now).result).toBe('ok');
  expect(clockFinding('Sat, 21 Nov 2026 17:59:10 GMT', now)).toMatchObject({
    result: 'warning',
    says: '60 s ahead of the orchestrator’s',
  });
  expect(clockFinding('Sat, 21 Nov 2026 18:01:10 GMT', now).says).toMatch(/^60 s behind/);
  expect(clockFinding(null, now).result).toBe('skipped');
});

test('versions', () => {
  expect(versionFinding(VERSION, [{ name: 'w1', version: VERSION }], []).result).toBe('ok');
  const found = versionFinding(
    '9.9.9',
    [{ name: 'w1', version: '9.9.9' }],
    [{ name: 'pms', version: '9.9.8' }],
  );
  expect(found).toMatchObject({
    result: 'warning',
    says: `the orchestrator is 9.9.9; this is ${VERSION}, relay pms is 9.9.8`,
  });
});

test('free space', () => {
  const [gib, mib] = [1024 ** 3, 1024 ** 2];
  expect([5 * gib, 3 * gib, 100 * mib].map((bytes) => spaceFinding('/transcode', bytes).result)).toEqual([
    'ok',
    'warning',
    'failed',
  ]);
});

test('the licence of EasyAudioEncoder is told in days', () => {
  const day = 86_400_000;
  const eae = (days: number) => ({
    name: 'eae',
    ok: true,
    message: null,
    blocking: false,
    until: days * day + 1,
  });
  expect(checkFindings('worker w1', [eae(90)], 0)).toMatchObject([
    { result: 'ok', says: 'its licence lasts for 90 days' },
  ]);
  expect(checkFindings('worker w1', [eae(2)], 0)).toMatchObject([
    { check: 'worker w1: eae', result: 'warning' },
  ]);
});

test('what a worker says of a check that it passes is told', () => {
  const transcoder = {
    name: 'transcoder',
    ok: true,
    message: "/original, behind PMS's hook",
    blocking: true,
  };
  expect(checkFindings('worker w1', [transcoder], 0)).toMatchObject([
    { check: 'worker w1: transcoder', result: 'ok', says: "/original, behind PMS's hook" },
  ]);
});

test('no relay, nothing for transcodes, no worker', () => {
  expect(sharedFindings({ contracts: [], workers: [] })).toMatchObject([{ result: 'warning' }]);
  const media = { path: '/data', mode: 'ro', purpose: 'media' } as const;
  expect(sharedFindings({ contracts: [{ relay: 'r', mounts: [media] }], workers: [] })).toMatchObject([
    { result: 'failed', says: 'no directory for transcodes, only: /data:ro' },
  ]);
  expect(workerFindings([], { contracts: [], workers: [] })).toMatchObject([
    { check: 'workers', result: 'failed' },
  ]);
});

test('what Kubernetes injects for Services that are called as settings', () => {
  const env = { PMS_PORT: 'tcp://10.0.0.1:32400', LOG_LEVEL: 'info', OTHER_PORT: 'tcp://10.0.0.1:1' };
  expect(serviceLinks(env)).toEqual(['PMS_PORT']);
});

test('where PMS transcodes to', () => {
  expect(temporaryDirectory('<Preferences TranscoderTempDirectory="/a &amp; b"/>')).toBe('/a & b');
  for (const text of ['<Preferences/>', '<Preferences TranscoderTempDirectory=""/>', '<Other/>', '']) {
    expect(temporaryDirectory(text)).toBeNull();
  }
});

test('what needs attention', () => {
  const check = { name: 'codecs', ok: false, message: '0 of 309', blocking: true };
  expect(complaints({ leaving: false, state: 'not-ready', checks: [check] })).toEqual(['codecs: 0 of 309']);
  expect(complaints({ leaving: false, state: 'not-ready', checks: [] })).toEqual([
    'it does not say why: see its log',
  ]);
  expect(complaints({ leaving: false, state: 'disconnected', checks: [check] })).toEqual([
    'it is not connected',
  ]);
  expect(complaints({ leaving: false, state: 'ready', checks: [{ ...check, ok: true }] })).toEqual([]);
  const own = { ...check, name: 'draining', message: 'it stops' };
  expect(complaints({ leaving: false, state: 'draining', checks: [own] })).toEqual(['draining: it stops']);
  expect(complaints({ leaving: true, state: 'draining', checks: [] })).toEqual([
    'the scale asks for fewer workers',
  ]);
});
