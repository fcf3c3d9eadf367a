import { ScaleView } from '#shared/api/schemas.ts';
import type { Call, Command } from '../command.ts';

const PATH = '/api/v1/scale';

export const scale: Command = {
  name: 'scale',
  takes: '[show | set | burst WORKERS MINUTES]',
  summary: 'how many workers there should be: shows it, sets it, or adds a burst',
  options: {
    minimum: { type: 'string', help: 'with set: never fewer workers' },
    maximum: { type: 'string', help: 'with set: never more workers' },
    desired: { type: 'string', help: 'with set: so many, without jobs' },
  },
  examples: [
    'clusterplex scale',
    'clusterplex scale set --minimum 1 --maximum 8',
    'clusterplex scale burst 6 90',
  ],
  async run(call) {
    const answer = await asked(call);
    const { out, json } = call;
    if (json) return out.json(answer);
    out.table(
      ['NOW', 'WANTED', 'MINIMUM', 'MAXIMUM', 'BURSTS'],
      [
        [
          ...[answer.current, answer.desired, answer.minimum, answer.maximum].map(String),
          answer.bursts.map(({ workers, until }) => `${workers} until ${until}`).join(', ') || 'none',
        ],
      ],
    );
  },
};

function asked(call: Call): Promise<ScaleView> {
  const [verb = 'show', ...words] = call.words(3);
  const bounds = ['minimum', 'maximum', 'desired'].flatMap((name) => {
    const value = call.count(call.text(name), `--${name}`);
    return value === undefined ? [] : [[name, value] as const];
  });
  if (verb !== 'set' && bounds.length > 0) throw call.wrong('--minimum, --maximum and --desired go with set');
  if (verb !== 'burst' && words.length > 0) throw call.wrong(`${verb} takes no words`);
  switch (verb) {
    case 'show':
      return call.orchestrator.ask(ScaleView, PATH);
    case 'set':
      if (bounds.length === 0) throw call.wrong('set needs --minimum, --maximum or --desired');
      return put(call, Object.fromEntries(bounds));
    case 'burst': {
      const workers = call.count(words[0], 'WORKERS');
      const minutes = call.count(words[1], 'MINUTES', false);
      if (workers === undefined || minutes === undefined) throw call.wrong('burst takes WORKERS and MINUTES');
      return put(call, { burst: { workers, minutes } });
    }
    default:
      throw call.wrong(`${JSON.stringify(verb)} is none of show, set, burst`);
  }
}

function put(call: Call, body: object): Promise<ScaleView> {
  return call.orchestrator.ask(ScaleView, PATH, { method: 'PUT', body });
}
