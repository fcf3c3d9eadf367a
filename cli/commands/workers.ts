import { Type } from 'typebox';
import { WorkerView } from '#shared/api/schemas.ts';
import { complaints } from '../attention.ts';
import type { Command } from '../command.ts';
import type { Cell, Style } from '../output.ts';

/** worker-2 before worker-10. */
const BY_NUMBER = new Intl.Collator('en', { numeric: true });

const STYLES: Record<WorkerView['state'], Style> = {
  ready: 'green',
  draining: 'yellow',
  quarantined: 'yellow',
  'not-ready': 'red',
  disconnected: 'red',
};

export const workers: Command = {
  name: 'workers',
  summary: 'the workers, what they run, and why one takes no jobs',
  examples: ['clusterplex workers', 'clusterplex workers --json'],
  async run(call) {
    call.words(0);
    const told = await call.orchestrator.ask(Type.Array(WorkerView), '/api/v1/workers');
    const all = told.toSorted((one, other) => BY_NUMBER.compare(one.name, other.name));
    if (call.json) call.out.json(all);
    else {
      call.out.table(['NAME', 'STATE', 'NODE', 'VERSION', 'SLOTS', 'CPU', 'GPU', 'SAYS'], all.map(workerRow));
    }
  },
};

function workerRow(worker: WorkerView): Cell[] {
  const { name, state, node, version, running, slots, load, capabilities } = worker;
  return [
    name,
    { text: state, style: STYLES[state] },
    node ?? '-',
    version,
    `${running}/${slots}`,
    `${Math.round(load.cpu)}%`,
    [...new Set(capabilities.gpus.map((gpu) => gpu.name))].join(', ') || '-',
    complaints(worker).join('; '),
  ];
}

export const drain = steering(
  'drain',
  'lets a worker finish what it runs, and gives it nothing new while the same orchestrator leads',
);
export const undrain = steering('undrain', 'gives a drained worker jobs again');

function steering(name: 'drain' | 'undrain', summary: string): Command {
  return {
    name,
    takes: 'NAME',
    summary,
    examples: [`clusterplex ${name} worker-1`],
    async run(call) {
      const worker = call.word('the worker’s name');
      const path = `/api/v1/workers/${encodeURIComponent(worker)}/${name}`;
      const after = await call.orchestrator.ask(WorkerView, path, { method: 'POST' });
      if (call.json) call.out.json(after);
      else call.out.line(`${worker} is ${after.state} and runs ${after.running}`);
    },
  };
}
