import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readNvidiaSmi } from '../../../../worker/gpu/nvidiaSmi.ts';
import { nvencSessionLimit } from '../../../../worker/gpu/sessionLimit.ts';

const MIB = 1024 * 1024;
const corpus = new URL('../../../corpus/gpu/nvidia-smi/', import.meta.url);
const recorded = (name: string) => readNvidiaSmi(readFileSync(new URL(`${name}.xml`, corpus), 'utf8'));

test.each([
  ['gtx-1070-ti', 'GeForce GTX 1070 Ti', '0000:01:00.0', 4096, 42, null, 3],
  ['gtx-1660-ti', 'Graphics Device', '0000:43:00.0', 5912, 0, 0, 3],
  ['quadro-p400', 'Quadro P400', '0000:43:00.0', 1998, 0, 0, 3],
  ['quadro-p2000-v12', 'Quadro P2000', '0000:17:00.0', 5120, 1, 0, null],
  ['tesla-t4', 'Tesla T4', '0000:00:1e.0', 15360, 1032, 0, null],
  ['a10g', 'NVIDIA A10G', '0000:00:1e.0', 23028, 22, 0, null],
  ['a100-sxm4-v12', 'NVIDIA A100-SXM4-80GB', '0000:01:00.0', 81920, 50, null, null],
  ['rtx-3080-v13', 'NVIDIA GeForce RTX 3080', '0000:0c:00.0', 10240, 9184, 0, 8],
  ['rtx-4000-sff-ada-v13', 'NVIDIA RTX 4000 SFF Ada Generation', '0000:06:00.0', 20475, 3534, 0, null],
  ['h200', 'NVIDIA H200', '0000:19:00.0', 143771, 1, 0, null],
])('%s is read as it was recorded', (file, name, pci, total, used, encoder, limit) => {
  const [card, ...others] = recorded(file);
  expect(others).toEqual([]);
  expect(card).toMatchObject({ name, pci, encoder, sessions: 0 });
  expect(card?.uuid).toMatch(/^GPU-[0-9a-f-]{36}$/);
  expect([card?.memoryTotal, card?.memoryUsed]).toEqual([total * MIB, used * MIB]);
  expect(card && nvencSessionLimit(card)).toBe(limit);
});

test('several cards are all read, and one without an identity is left out', () => {
  const cards = ['rtx-3080-v13', 'tesla-t4'].map((name) =>
    readFileSync(new URL(`${name}.xml`, corpus), 'utf8'),
  );
  const gpus = cards.flatMap((xml) => /<gpu id[\s\S]*<\/gpu>/.exec(xml)?.[0] ?? []);
  const log = `<nvidia_smi_log><driver_version>595.58</driver_version>${gpus.join('')}<gpu/></nvidia_smi_log>`;
  expect(readNvidiaSmi(log).map(({ name }) => name)).toEqual(['NVIDIA GeForce RTX 3080', 'Tesla T4']);
});

test.each([
  '',
  'NVIDIA-SMI has failed because it couldn’t communicate with the NVIDIA driver.',
  '<a><b></a>',
])('without cards, or without a meaning, there are none: %j', (text) => {
  expect(readNvidiaSmi(text)).toEqual([]);
});

test.each([
  ['NVIDIA GeForce RTX 3060', '525.147.05', 3],
  ['NVIDIA GeForce RTX 3060', '535.54', 5],
  ['NVIDIA GeForce RTX 3060', '550.40', 8],
  ['NVIDIA GeForce RTX 3060', null, 3],
  ['NVIDIA TITAN RTX', '550.40', 8],
  ['Quadro P1000', '550.40', 8],
  ['Quadro RTX 4000', '550.40', null],
  ['NVIDIA T400 4GB', '550.40', 8],
  ['NVIDIA L4', '550.40', null],
])('%s with driver %s gives %s sessions', (name, driver, limit) => {
  expect(nvencSessionLimit({ name, brand: null, driver })).toBe(limit);
});
