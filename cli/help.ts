import { COMMON_OPTIONS, type Command } from './command.ts';

/** Those that cli/clusterplex starts by itself. */
export const PARTS = [
  { name: 'orchestrator', summary: 'runs the orchestrator' },
  { name: 'worker', summary: 'runs a worker' },
  { name: 'relay', summary: 'runs the relay, on the PMS host' },
  { name: 'dfs-probe', summary: 'says whether what a storage node exports can be mounted' },
  { name: 'dfs-mount', summary: 'keeps what a storage node exports mounted on a worker’s machine' },
  { name: 'install-hook', summary: 'puts the hook in place of Plex’s transcoder; --uninstall takes it out' },
  { name: 'demo', summary: 'all parts on this machine, and one transcode through them' },
  { name: 'bench', summary: 'measures this machine' },
] as const;

export function overview(commands: readonly Command[]): string {
  return [
    'clusterplex COMMAND …: shows, steers and runs ClusterPlex-TS',
    '',
    'To see and to steer:',
    ...listed(commands.map(({ name, takes = '', summary }) => ({ name: named(name, takes), summary }))),
    '',
    'To run (their settings are environment variables, see their --help):',
    ...listed(PARTS),
    '',
    'Settings: ORCHESTRATOR_URL, and CLUSTERPLEX_ADMIN_TOKEN or CLUSTERPLEX_TOKEN; NAME_FILE reads the value of NAME from a',
    'file. Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 69 the orchestrator can’t be reached.',
    'clusterplex COMMAND --help has options and examples.',
    '',
  ].join('\n');
}

export function helpOf(command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS });
  return [
    ['clusterplex', command.name, command.takes, '[OPTIONS]'].filter(Boolean).join(' '),
    '',
    sentence(command.summary),
    '',
    ...listed(
      options.map(([name, { help, type }]) => {
        return { name: `--${name}${type === 'string' ? ' …' : ''}`, summary: help };
      }),
    ),
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

/** With what has to follow it, where that is a word. */
function named(name: string, takes: string): string {
  return /^[A-Z]+$/.test(takes) ? `${name} ${takes}` : name;
}

function listed(rows: readonly { readonly name: string; readonly summary: string }[]): string[] {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
