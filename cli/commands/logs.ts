import { complaints } from '../attention.ts';
import type { Command } from '../command.ts';
import type { ChangeEvent } from '../orchestrator.ts';
import { standingOf } from '../standing.ts';
import { scaleText } from './scale.ts';

export const logs: Command = {
  name: 'logs',
  summary: 'what happens to jobs and workers, a line each, until Ctrl-C',
  examples: ['clusterplex logs', 'clusterplex logs --json | jq .data.state'],
  async run(call) {
    call.words(0);
    const { orchestrator, out, json } = call;
    const said = new Map<string, string>();
    for await (const change of orchestrator.events()) {
      if (json) {
        out.lineOfJson(change);
        continue;
      }
      const { about, news } = told(change);
      // Progress alone is no news.
      if (said.get(about) === news) continue;
      said.set(about, news);
      out.line({ text: new Date().toTimeString().slice(0, 8), style: 'dim' }, ` ${about}: ${news}`);
    }
  },
};

function told(change: ChangeEvent): { about: string; news: string } {
  switch (change.event) {
    case 'job': {
      const { jobId, title, state, worker, attempt, reason } = change.data;
      const { text } = standingOf(change.data);
      const where = worker === null || state === 'queued' ? '' : ` on ${worker}, attempt ${attempt}`;
      const why = reason === null ? '' : `: ${reason}`;
      return { about: `job ${jobId.slice(0, 8)}`, news: `${text}${where} (${title})${why}` };
    }
    case 'worker': {
      const { name, state, running, slots } = change.data;
      const why = complaints(change.data).join('; ');
      return { about: `worker ${name}`, news: `${state}, ${running}/${slots}${why && `: ${why}`}` };
    }
    case 'worker-gone':
      return { about: `worker ${change.data.name}`, news: 'gone' };
    case 'scale':
      return { about: 'scale', news: scaleText(change.data) };
  }
}
