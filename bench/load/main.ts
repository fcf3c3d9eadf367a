/** A process that makes load: told what by its parent, `ready` when it is connected, and at `go` it begins. */
import type { LoadPlan } from './plan.ts';
import { Relays } from './relays.ts';
import { openWorkers } from './workers.ts';

process.on('disconnect', () => process.exit(0));
process.once('message', (plan: LoadPlan) => {
  load(plan).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  });
});

async function load(plan: LoadPlan): Promise<void> {
  if (plan.role === 'workers') {
    const starts = await openWorkers(plan);
    process.on('message', () => process.send?.({ type: 'report', report: { starts: [...starts] } }));
  } else {
    const relays = new Relays(plan);
    await relays.open();
    process.once('message', () => {
      void relays.run().then((report) => process.send?.({ type: 'report', report }));
    });
  }
  process.send?.({ type: 'ready' });
}
