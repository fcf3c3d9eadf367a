import { Type } from 'typebox';
import { PeersView } from '#shared/api/peers.ts';
import { JobView, ReadyView, ScaleView, WorkerView } from '#shared/api/schemas.ts';
import { complaints, peerComplaints } from '../attention.ts';
import type { Command } from '../command.ts';
import { isFailure } from '../standing.ts';
import { scaleText } from './scale.ts';

export const status: Command = {
  name: 'status',
  summary: 'the whole system in one look, and what needs attention',
  examples: ['clusterplex status', 'clusterplex status --json'],
  async run(call) {
    call.words(0);
    const { orchestrator, out, json } = call;
    const [version, { holder }, workers, jobs, scale, peers] = await Promise.all([
      orchestrator.version(),
      orchestrator.ask(ReadyView, '/ready'),
      orchestrator.ask(Type.Array(WorkerView), '/api/v1/workers'),
      orchestrator.ask(Type.Array(JobView), '/api/v1/jobs'),
      orchestrator.ask(ScaleView, '/api/v1/scale'),
      orchestrator.ask(PeersView, '/api/v1/peers'),
    ]);
    const inState = (state: JobView['state']): JobView[] => jobs.filter((job) => job.state === state);
    const [queued, ended] = [inState('queued'), inState('ended')];
    const ready = workers.filter(({ state }) => state === 'ready');
    const attention = [
      ...peerComplaints(peers),
      ...workers.flatMap((worker) => {
        return complaints(worker).map((message) => ({
          about: `worker ${worker.name}`,
          state: worker.state,
          message,
        }));
      }),
      ...scale.groups.flatMap(({ name, problem }) =>
        problem === null ? [] : [{ about: `scale of ${name}`, state: 'stuck', message: problem }],
      ),
      ...(scale.problem === null ? [] : [{ about: 'scale spec', state: 'unusable', message: scale.problem }]),
      ...queued.map(({ jobId, title, reason }) => {
        return {
          about: `job ${jobId.slice(0, 8)}`,
          state: 'queued',
          message: `${title}: ${reason ?? 'it waits'}`,
        };
      }),
    ];
    const summary = {
      orchestrator: { url: orchestrator.url, version, ...(holder !== undefined && { leader: holder }) },
      relays: peers.relays,
      workers: count(workers.map(({ state }) => state)),
      // Who is not ready can take none.
      slots: sum(ready.map(({ slots }) => slots)),
      slotsInUse: sum(ready.map(({ running }) => running)),
      running: inState('running').length,
      queued: queued.length,
      ended: ended.length,
      failed: ended.filter(isFailure).length,
      ranOnPms: ended.filter(({ ranOnPms }) => ranOnPms).length,
      scale,
      attention,
    };
    if (json) return out.json(summary);
    const notable = [
      ...(summary.failed > 0 ? [`${summary.failed} failed`] : []),
      ...(summary.ranOnPms > 0 ? [`${summary.ranOnPms} ran on PMS`] : []),
    ];
    const states = Object.entries(summary.workers).map(([state, many]) => `${many} ${state}`);
    out.table(
      ['ORCHESTRATOR', `${orchestrator.url}, version ${version}`],
      [
        ...(holder === undefined ? [] : [['leader', holder]]),
        ['relays', peers.relays.map(({ name }) => name).join(', ') || 'none'],
        ['workers', states.join(', ') || 'none'],
        ['slots', `${summary.slotsInUse} of ${summary.slots} in use on ready workers`],
        ['jobs', `${summary.running} running, ${summary.queued} queued`],
        ['ended since its start', [summary.ended, ...notable].join(', ')],
        ['scale', scaleText(scale)],
      ],
    );
    if (attention.length === 0) return;
    out.line();
    out.table(
      ['ATTENTION', 'STATE', 'WHY'],
      attention.map(({ about, state, message }) => [about, { text: state, style: 'yellow' }, message]),
    );
  },
};

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function count(words: readonly string[]): Record<string, number> {
  const groups = Map.groupBy(words, (word) => word);
  return Object.fromEntries([...groups].map(([word, all]) => [word, all.length]));
}
