import { CommandView } from '#shared/api/records.ts';
import type { Call } from '../command.ts';

const SIGNS = { kept: ' ', removed: '-', added: '+' };
const STYLES = { kept: 'dim', removed: 'red', added: 'green' } as const;
const RAN = {
  'as-given': 'as given',
  changed: 'changed',
  unknown: 'its worker does not say what it changed',
  'not-started': 'was not started',
};

/** The command as PMS gave it, and what each attempt made of that. */
export async function showCommand(call: Call, jobId: string): Promise<void> {
  const view = await call.orchestrator.ask(CommandView, `/api/v1/jobs/${encodeURIComponent(jobId)}/command`);
  const { out } = call;
  if (call.json) {
    out.json(view);
    return;
  }
  if (!view.isGiven) out.line({ text: 'its relay does not say what it changed itself', style: 'yellow' });
  for (const line of view.lines) out.line(line.map(quoted).join(' '));
  for (const { attempt, worker, ran, difference } of view.attempts) {
    out.line();
    out.line({ text: `attempt ${attempt} on ${worker}: ${RAN[ran]}`, style: 'bold' });
    for (const { change, line } of difference ?? []) {
      out.line({ text: `${SIGNS[change]} ${line.map(quoted).join(' ')}`, style: STYLES[change] });
    }
  }
}

/** As it was said: a line is a line, and nothing in it controls the terminal. */
export async function showStderr(call: Call, jobId: string): Promise<void> {
  const attempt = call.text('attempt');
  const query = attempt === undefined ? '' : `?attempt=${call.count(attempt, '--attempt')}`;
  const text = await call.orchestrator.text(`/api/v1/jobs/${encodeURIComponent(jobId)}/stderr${query}`);
  if (call.json) {
    call.out.json({ jobId, stderr: text });
    return;
  }
  for (const line of text.split(/\r?\n|\r/)) {
    if (line !== '') call.out.line(line);
  }
}

/** As a shell takes it. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
