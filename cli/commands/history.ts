import { HistoryView } from '#shared/api/schemas.ts';
import type { Command } from '../command.ts';
import { JOB_HEAD, jobRow } from './jobs.ts';

const FILTERS = {
  search: { type: 'string', help: 'a part of title, session or id' },
  reason: {
    type: 'string',
    help: 'why it ended: exited, cancelled, refused, lost, no-worker, failed, incomplete',
  },
  class: { type: 'string', help: 'playback or background' },
  worker: { type: 'string', help: 'the last that ran it' },
  before: { type: 'string', help: 'ended before that time (2026-01-31T20:15:00Z), or where a page ended' },
  limit: { type: 'string', help: 'so many at most: 1 to 200; default: 50' },
} as const;

export const history: Command = {
  name: 'history',
  summary: 'jobs that have ended, newest first, also from before a restart',
  options: FILTERS,
  examples: [
    'clusterplex history --reason lost',
    'clusterplex history --search "the film" --limit 200 --json',
  ],
  async run(call) {
    call.words(0);
    const query = new URLSearchParams();
    for (const name of Object.keys(FILTERS)) {
      const value = call.text(name);
      if (value !== undefined) query.set(name, value);
    }
    const { jobs, next } = await call.orchestrator.ask(HistoryView, `/api/v1/history?${query}`);
    if (call.json) return call.out.json({ jobs, next });
    call.out.table(JOB_HEAD, jobs.map(jobRow));
    if (next !== null) call.out.line({ text: `more: --before ${next}`, style: 'dim' });
  },
};
