import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { foundGpus } from '../../../../worker/gpu/cards.ts';
import { drmCards, drmCounters } from '../../../../worker/gpu/drm.ts';
import { drmClients, engineUse, readFdinfo } from '../../../../worker/gpu/fdinfo.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drm-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function put(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

/** What sysfs says of a card, as `uevent` and its neighbours read on such machines. */
function card(
  node: string,
  driver: string,
  id: string,
  pci: string,
  more: Record<string, string> = {},
): void {
  const [vendor = '', device = ''] = id.split(':');
  const directory = `sys/${node}/device`;
  put({
    [`${directory}/uevent`]: `DRIVER=${driver}\nPCI_CLASS=30000\nPCI_ID=${id.toUpperCase()}\nPCI_SLOT_NAME=${pci}\n`,
    [`${directory}/vendor`]: `0x${vendor}\n`,
    [`${directory}/device`]: `0x${device}\n`,
    ...Object.fromEntries(Object.entries(more).map(([name, text]) => [`${directory}/${name}`, text])),
  });
}

const places = () => ({ sys: join(root, 'sys'), dev: join(root, 'dev') });
const machine = (vaapiDriver?: string) => {
  return { nvidia: [], drm: drmCards(places()), host: 'boot', vaapiDriver, sessionLimit: 0 };
};

test('without a GPU nothing is found', () => {
  expect(drmCards(places())).toEqual([]);
  expect(foundGpus(machine())).toEqual([]);
});

test('an Intel GPU is reached by VAAPI and QSV, by whichever of its drivers works', () => {
  card('renderD128', 'i915', '8086:9a49', '0000:00:02.0');
  put({ 'dev/renderD128': '', 'sys/card0/device/uevent': 'DRIVER=i915\nPCI_SLOT_NAME=0000:00:02.0\n' });
  const shared = { id: 'boot/0000:00:02.0', name: 'Intel 0x9a49', sessionLimit: null };
  const device = join(root, 'dev/renderD128');
  expect(foundGpus(machine())).toEqual([
    { ...shared, api: 'vaapi', device, drivers: ['iHD', 'i965'] },
    { ...shared, api: 'qsv', device, drivers: ['iHD', 'i965'] },
  ]);
  expect(foundGpus(machine('i965'))[0]?.drivers).toEqual(['i965']);
});

test('an AMD GPU tells its memory and load', () => {
  card('renderD129', 'amdgpu', '1002:73bf', '0000:0b:00.0', {
    mem_info_vram_total: '17163091968\n',
    mem_info_vram_used: '1073741824\n',
    gpu_busy_percent: '37\n',
    product_name: '\n',
  });
  put({ 'dev/renderD129': '' });
  const [found] = drmCards(places());
  expect(found).toMatchObject({ name: 'AMD 0x73bf', driver: 'amdgpu', pci: '0000:0b:00.0' });
  expect(found && drmCounters(found)).toEqual({
    memoryUsed: 1_073_741_824,
    memoryTotal: 17_163_091_968,
    utilisation: 37,
  });
  expect(foundGpus(machine()).map(({ api, drivers }) => [api, drivers])).toEqual([['vaapi', ['radeonsi']]]);
});

test('a card that the container was not given, or that VAAPI does not serve, is not found', () => {
  card('renderD128', 'amdgpu', '1002:73bf', '0000:0b:00.0');
  card('renderD129', 'nvidia', '10de:2216', '0000:0c:00.0');
  put({ 'dev/renderD129': '' });
  expect(drmCards(places()).map(({ driver }) => driver)).toEqual(['nvidia']);
  expect(foundGpus(machine())).toEqual([]);
});

const AMD = (encNs: number, client = 94) =>
  `pos:\t0\ndrm-driver:\tamdgpu\ndrm-client-id:\t${client}\ndrm-pdev:\t0000:03:00.0\ndrm-memory-vram:\t204 KiB\n` +
  `drm-engine-compute:\t257845131 ns\ndrm-engine-enc:\t${encNs} ns\ndrm-engine-dec:\t1000000000 ns\n`;
const I915 = (videoNs: number) =>
  `drm-driver:\ti915\ndrm-client-id:\t39\ndrm-pdev:\t0000:00:02.0\ndrm-total-system0:\t6044 KiB\n` +
  `drm-engine-render:\t346249 ns\ndrm-engine-copy:\t0 ns\ndrm-engine-video:\t${videoNs} ns\n` +
  `drm-engine-capacity-video:\t2\ndrm-engine-video-enhance:\t0 ns\n`;
const XE = (cycles: number, total: number) =>
  `drm-driver:\txe\ndrm-client-id:\t21\ndrm-pdev:\t0000:00:02.0\ndrm-cycles-vcs:\t${cycles}\ndrm-total-cycles-vcs:\t${total}\n`;

function use(pci: string, before: string[], now: string[]) {
  const clients = (texts: string[]) => texts.flatMap((text) => readFdinfo(text) ?? []);
  return engineUse(pci, clients(before), clients(now), 2_000);
}

test('amdgpu counts what each opener encoded', () => {
  const half = use('0000:03:00.0', [AMD(0), AMD(5, 95)], [AMD(1e9), AMD(5, 95), AMD(7e9, 96)]);
  expect(half).toEqual({ utilisation: 50, encoder: 50, sessions: 1 });
});

test('i915 has two video engines, which also decode', () => {
  expect(use('0000:00:02.0', [I915(0)], [I915(2e9)])).toEqual({
    utilisation: 50,
    encoder: 50,
    sessions: null,
  });
});

test('xe counts cycles, and another card’s openers are not counted', () => {
  const found = use('0000:00:02.0', [XE(0, 0), AMD(0)], [XE(25, 100), AMD(2e9)]);
  expect(found).toEqual({ utilisation: 25, encoder: 25, sessions: null });
});

test('an opener is found once, however many descriptors and processes it has', () => {
  for (const fd of ['100/fd/3', '100/fd/4', '200/fd/7']) {
    mkdirSync(dirname(join(root, fd)), { recursive: true });
    symlinkSync('/dev/dri/renderD128', join(root, fd));
    put({ [fd.replace('fd/', 'fdinfo/')]: I915(1) });
  }
  put({ '300/fd/none': '', '300/fdinfo/none': I915(1), meminfo: '' });
  expect(drmClients(root).map(({ id }) => id)).toEqual(['39']);
});
