import { ScaleView } from '#shared/api/schemas.ts';
import type { Call, Command } from '../command.ts';
import type { Cell } from '../output.ts';

const PATH = '/api/v1/scale';

type Group = ScaleView['groups'][number];

export const scale: Command = {
  name: 'scale',
  takes: '[show | set | burst WORKERS MINUTES]',
  summary: 'how many workers there should be: shows it, sets it, or adds a burst',
  options: {
    group: { type: 'string', help: 'of these workers; default: all, or the group `default`' },
    minimum: { type: 'string', help: 'with set: never fewer workers' },
    maximum: { type: 'string', help: 'with set: never more workers' },
    desired: { type: 'string', help: 'with set: so many while there are no jobs' },
  },
  examples: [
    'clusterplex scale',
    'clusterplex scale set --minimum 1 --maximum 8',
    'clusterplex scale burst 6 90 --group gpu',
  ],
  async run(call) {
    const answer = await asked(call);
    const { out, json } = call;
    if (json) return out.json(answer);
    out.table(
      ['GROUP', 'NOW', 'WANTED', 'WHY', 'MINIMUM', 'MAXIMUM', 'SCALED BY', 'BURSTS', 'DEVIATION'],
      answer.groups.map(rowOf),
    );
    if (!answer.groups.some(isSet)) {
      out.line({
        text: 'No scale is set. `clusterplex scale set --minimum 1 --maximum 8` sets one until the next restart, SCALE_SPEC one for good.',
        style: 'dim',
      });
    }
    if (answer.groups.some(({ setBy }) => setBy === 'api')) {
      out.line({
        text: 'What was set counts until the spec file changes, the orchestrator restarts or another one leads.',
        style: 'dim',
      });
    }
    if (answer.problem) out.line({ text: `The scale spec can’t be used: ${answer.problem}`, style: 'red' });
  },
};

/** How many there are and should be, in a few words. */
export function scaleText({ groups }: ScaleView): string {
  const set = groups.filter(isSet);
  const sum = (field: 'current' | 'desired'): number => set.reduce((total, group) => total + group[field], 0);
  return set.length === 0 ? 'not set' : `${sum('current')} workers of ${sum('desired')} wanted`;
}

/** Whether anybody has said how many there should be. */
function isSet({ setBy, bursts }: Group): boolean {
  return setBy !== null || bursts.length > 0;
}

const SCALED_BY = { local: 'orchestrator', infra: 'others' } as const;

function rowOf(group: Group): Cell[] {
  const { name, current, desired, reason, minimum, maximum, scalable, bursts } = group;
  if (!isSet(group)) return [name, String(current), '-', 'not set', '-', '-', 'nobody', 'none', 'none'];
  return [
    ...[name, String(current), String(desired), reason, String(minimum), String(maximum)],
    scalable === false ? 'nobody' : SCALED_BY[scalable],
    bursts.map(({ workers, until }) => `${workers} until ${until}`).join(', ') || 'none',
    deviationOf(group),
  ];
}

/** How reality differs from what is wanted, and why it stays so. */
function deviationOf({ deviation, draining, problem }: Group): Cell {
  const isAsWanted = deviation === 0;
  const words = [
    ...(isAsWanted ? [] : [`${Math.abs(deviation)} too ${deviation > 0 ? 'many' : 'few'}`]),
    ...(draining === 0 ? [] : [`${draining} draining`]),
    ...(problem === null ? [] : [problem]),
  ];
  const style = isAsWanted ? 'dim' : 'yellow';
  return { text: words.join(', ') || 'none', style: problem === null ? style : 'red' };
}

function asked(call: Call): Promise<ScaleView> {
  const [verb = 'show', ...words] = call.words(3);
  const group = call.text('group');
  const bounds = ['minimum', 'maximum', 'desired'].flatMap((name) => {
    const value = call.count(call.text(name), `--${name}`);
    return value === undefined ? [] : [[name, value] as const];
  });
  if (verb !== 'set' && bounds.length > 0) throw call.wrong('--minimum, --maximum and --desired go with set');
  if (verb !== 'burst' && words.length > 0) throw call.wrong(`${verb} takes no words`);
  switch (verb) {
    case 'show':
      return call.orchestrator.ask(
        ScaleView,
        group === undefined ? PATH : `${PATH}?group=${encodeURIComponent(group)}`,
      );
    case 'set':
      if (bounds.length === 0) throw call.wrong('set needs --minimum, --maximum or --desired');
      return put(call, { group, ...Object.fromEntries(bounds) });
    case 'burst': {
      const workers = call.count(words[0], 'WORKERS');
      const minutes = call.count(words[1], 'MINUTES', false);
      if (workers === undefined || minutes === undefined) throw call.wrong('burst takes WORKERS and MINUTES');
      return put(call, { group, burst: { workers, minutes } });
    }
    default:
      throw call.wrong(`${JSON.stringify(verb)} is none of show, set, burst`);
  }
}

function put(call: Call, body: object): Promise<ScaleView> {
  return call.orchestrator.ask(ScaleView, PATH, { method: 'PUT', body });
}
