import { writeFileSync } from 'node:fs';
import { PASSED_VARIABLES, WORKER_VARIABLES } from '#shared/env.ts';
import type { ErrorCode } from '#shared/errors.ts';
import type { MetricEntry } from '#shared/metrics.ts';
import { FOREIGN_NAMES } from '#shared/settings/names.ts';
import type { SettingsTable } from '#shared/settings/table.ts';
import { commandLineSettings } from '../cli/config.ts';
import { mountSettings, probeSettings } from '../dfs/config.ts';
import { MOUNT_METRICS, PROBE_METRICS } from '../dfs/metrics.ts';
import { orchestratorSettings } from '../orchestrator/config.ts';
import { ORCHESTRATOR_METRICS } from '../orchestrator/metricTable.ts';
import { relaySettings } from '../pms/config.ts';
import { hookSettings, transcoderSettings } from '../pms/hookSettings.ts';
import { workerSettings } from '../worker/config.ts';
import { WORKER_METRICS } from '../worker/metrics.ts';
import { ATTEMPT_VARIABLE, OWNER_VARIABLE } from '../worker/transcoder/owner.ts';

export const CONFIGURATION_FILE = new URL('configuration.md', import.meta.url);

/** Every part with the settings that it reads. */
export const SETTINGS_BY_PART: Readonly<Record<string, SettingsTable>> = {
  Orchestrator: orchestratorSettings,
  Worker: workerSettings,
  Relay: relaySettings,
  Hook: hookSettings,
  Installer: transcoderSettings,
  'Command line': commandLineSettings,
  'dfs-probe': probeSettings,
  'dfs-mount': mountSettings,
};

const ERRORS: Record<ErrorCode, string> = {
  'bad-settings': 'A setting is wrong, unknown or missing. All problems are listed, a line each.',
  'bad-request': 'The request does not fit the API; the message names the field.',
  unauthorized: 'The token is missing or wrong, or is that of another role.',
  forbidden:
    'A web page that is not the orchestrator’s own asked, or, without a token, somebody else than this machine.',
  'not-found': 'There is no such job, worker or route.',
  conflict: 'What is asked for does not fit how things stand: a job that has ended, say.',
  'not-leader': 'This orchestrator does not lead; ask the one that does.',
  'bad-message': 'A message broke the protocol; the message names the field.',
  internal: 'A defect of ours. The log has the details: please report them.',
};

/** In the order of the parts' lives; a test compares the numbers with the code. */
const EXIT_CODES: readonly (readonly [part: string, code: string, meaning: string])[] = [
  ['all long-lived parts', '0', 'stopped in good order by SIGTERM or SIGINT'],
  ['all long-lived parts', '2', 'unusable settings; stderr lists every problem'],
  ['all long-lived parts', '70', 'could not start, or could not stop in good order; the log says why'],
  ['orchestrator', '75', 'it led and lost its leadership: start it again, and it stands by'],
  ['hook', "the transcoder's", 'a transcoder ran to its end, here or on a worker'],
  ['hook', '128 + n', 'the transcoder, or the hook, was ended by signal n'],
  ['hook', '64', 'unusable settings'],
  ['hook', '70', 'internal error'],
  [
    'hook',
    '74',
    'the transcoder could not read its input to the end, wherever it was tried, and the job may not run here',
  ],
  ['hook', '75', 'no worker or no relay, and the job may not run here'],
  ['installer', '0', 'done, or nothing to do'],
  ['installer', '2', 'unusable settings or arguments'],
  ['installer', '70', 'the files could not be changed'],
  ['command line', '0', 'done; of `doctor`: nothing failed'],
  ['command line', '1', 'what was asked for failed, or a check of `doctor`'],
  ['command line', '2', 'wrong usage, unusable settings, or a token that the orchestrator refuses'],
  ['command line', '69', 'the orchestrator can’t be reached'],
  ['command line', '70', 'internal error'],
];

const INTRODUCTION = `# Configuration

<!-- Written by \`npm run docs\` from the code. Change it there. -->

Settings are environment variables. \`NAME_FILE\` reads the value of \`NAME\` from a file, for secrets; setting both is an
error. An empty value is an unset one, and quotes around a value are taken off. The variables of
[ClusterPlex](https://github.com/pabloromeo/clusterplex) keep their names. A part that finds a wrong value, or a name that
is one letter off, lists every problem and does not start; \`--help\` prints its settings. Names that other software is
known to use (${[...FOREIGN_NAMES.keys()].map(quoted).join(', ')}) only get a warning.

In Kubernetes set \`enableServiceLinks: false\`: else a Service called \`pms\` injects \`PMS_PORT=tcp://…\`.
`;

/** What docs/configuration.md has to be. */
export function configurationText(): string {
  return [
    INTRODUCTION,
    ...Object.entries(SETTINGS_BY_PART).map(([part, table]) => settingsSection(part, table)),
    environmentSection(),
    section(
      'Errors',
      'API errors are `{"error": {"code", "message", "hint"}}`. The same codes stand in logs.',
      table(
        ['code', 'meaning'],
        Object.entries(ERRORS).map(([code, meaning]) => [quoted(code), meaning]),
      ),
    ),
    section('Exit codes', 'PMS sees those of the hook.', table(['part', 'code', 'meaning'], EXIT_CODES)),
    section(
      'Metrics',
      'Prometheus text at `/metrics`. Names without prefix are ClusterPlex’s, with its labels.',
      metricsTable('Orchestrator', ORCHESTRATOR_METRICS),
      metricsTable('Worker', WORKER_METRICS),
      metricsTable('dfs-probe', PROBE_METRICS),
      metricsTable('dfs-mount', MOUNT_METRICS),
    ),
  ].join('\n');
}

function settingsSection(part: string, settings: SettingsTable): string {
  const rows = Object.entries(settings).map(([name, { form, default: value, doc, secret }]) => {
    const standard = value === null ? 'none' : quoted(value);
    return [quoted(name), secret ? `${form}, secret` : form, standard, doc];
  });
  return section(part, table(['setting', 'form', 'default', 'meaning'], rows));
}

function environmentSection(): string {
  return section(
    'What a transcoder sees of the environment',
    'Nothing but these. Of what PMS gave it:',
    names(PASSED_VARIABLES),
    'Of the worker’s own environment, because they describe its machine:',
    names(WORKER_VARIABLES),
    'Of the worker, which finds its processes again by them:',
    names([OWNER_VARIABLE, ATTEMPT_VARIABLE]),
  );
}

function metricsTable(part: string, metrics: readonly MetricEntry[]): string {
  const rows = metrics.map(({ name, type, labels, help }) => {
    return [quoted(name), type, labels.map(quoted).join(', '), help];
  });
  return `### ${part}\n\n${table(['metric', 'type', 'labels', 'meaning'], rows)}`;
}

function section(title: string, ...parts: readonly string[]): string {
  return `## ${title}\n\n${parts.map((part) => `${part}\n`).join('\n')}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function names(variables: readonly string[]): string {
  return `${variables.map(quoted).join(', ')}.`;
}

function quoted(text: string): string {
  return `\`${text}\``;
}

if (import.meta.main) writeFileSync(CONFIGURATION_FILE, configurationText());
