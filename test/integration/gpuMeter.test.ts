import { afterEach, beforeEach, expect, test } from 'vitest';
import { GpuMeter } from '../../worker/gpu/meter.ts';
import { GpuMachine } from '../support/gpuMachine.ts';
import { FakeClock } from '../unit/orchestrator/fakeClock.ts';

const T4 = 'GPU-d37e67a5-91dd-3774-a5cb-99096249601a';

let machine: GpuMachine;
const clock = new FakeClock();
beforeEach(() => {
  machine = new GpuMachine();
});
afterEach(() => machine.remove());

async function loadsOf(...ids: string[]) {
  const meter = new GpuMeter({ clock, env: machine.env, intervalMs: 2_000, ids: () => new Set(ids) });
  await meter.start();
  meter.stop();
  return meter.loads;
}

test('the load of a card is what nvidia-smi says', async () => {
  machine.nvidia('tesla-t4');
  expect(await loadsOf(T4)).toEqual([
    {
      ...{ id: T4, name: 'Tesla T4', utilisation: 0, encoder: 0, sessions: 0 },
      ...{ memoryUsed: 1032 * 1024 ** 2, memoryTotal: 15_360 * 1024 ** 2 },
    },
  ]);
});

test('cards that the worker can’t use are not told of, and without a card nothing is asked', async () => {
  machine.nvidiaSmi(`echo asked >>${machine.directory}/calls`);
  expect(await loadsOf()).toEqual([]);
  expect(machine.calls).toEqual([]);
  expect(await loadsOf('GPU-another')).toEqual([]);
  expect(machine.calls).toEqual(['asked']);
});

test('an nvidia-smi that hangs is killed, and the load is unknown', async () => {
  machine.nvidiaSmi(`echo asked >>${machine.directory}/calls; exec sleep 600`);
  const measured = loadsOf(T4);
  while (machine.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(10_000);
  expect(await measured).toEqual([]);
});
