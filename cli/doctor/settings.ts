import { CodedError, coerceError } from '#shared/errors.ts';
import { environment } from '#shared/settings/environment.ts';
import { KNOWN_SETTINGS } from '#shared/settings/names.ts';
import { type Environment, lookalikes } from '#shared/settings/read.ts';
import type { SettingsOf, SettingsTable } from '#shared/settings/table.ts';
import { orchestratorSettings } from '../../orchestrator/config.ts';
import { relaySettings } from '../../pms/config.ts';
import { hookSettings } from '../../pms/hookSettings.ts';
import { workerSettings } from '../../worker/config.ts';
import { commandLineSettings, read } from '../config.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import type { Host } from './host.ts';

/** What could be read; null where something is wrong, or where the part is not here. */
export interface Settings {
  readonly commandLine: SettingsOf<typeof commandLineSettings> | null;
  readonly relay: SettingsOf<typeof relaySettings> | null;
  readonly hook: SettingsOf<typeof hookSettings> | null;
  readonly worker: SettingsOf<typeof workerSettings> | null;
  readonly orchestrator: SettingsOf<typeof orchestratorSettings> | null;
}

const OTHERS: readonly SettingsTable[] = [commandLineSettings, relaySettings, hookSettings, workerSettings];
/** Settings that only the orchestrator has: where one is set, it is to run. */
const OF_ORCHESTRATOR = Object.keys(orchestratorSettings).filter(
  (name) => !OTHERS.some((table) => name in table),
);

export function settingsOf(host: Host): { settings: Settings; findings: Finding[] } {
  const problems = new Set<string>();
  const tried = <T extends SettingsTable>(table: T): SettingsOf<T> | null => {
    try {
      return read(table);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      for (const line of coerceError(error).message.split('\n')) problems.add(line);
      return null;
    }
  };
  const env = environment();
  const settings = {
    commandLine: tried(commandLineSettings),
    relay: host.pms === null ? null : tried(relaySettings),
    hook: host.pms === null ? null : tried(hookSettings),
    worker: host.worker === null ? null : tried(workerSettings),
    orchestrator: OF_ORCHESTRATOR.some((name) => env[name]) ? tried(orchestratorSettings) : null,
  };
  const links = serviceLinks(env);
  const wrong = [...problems].filter((problem) => !links.some((name) => problem.startsWith(`${name} `)));
  const findings = [
    ...wrong.map((problem) =>
      failed('settings', problem, 'correct it in the environment (docs/configuration.md)'),
    ),
    ...links.map((name) =>
      failed(
        'service links',
        `${name} is what Kubernetes injects for a Service of that name`,
        'set enableServiceLinks: false in the spec of the pod, or give the Service another name',
      ),
    ),
    ...lookalikes(env).map((doubt) =>
      warning('settings', doubt, 'rename it, if it is meant for ClusterPlex'),
    ),
  ];
  const parts = Object.entries(settings).flatMap(([name, value]) =>
    value === null ? [] : [PARTS[name] ?? name],
  );
  return { settings, findings: findings.length > 0 ? findings : [ok('settings', `of ${parts.join(', ')}`)] };
}

const PARTS: Readonly<Record<string, string>> = { commandLine: 'the command line' };

/** Settings that are addresses as Kubernetes and Docker write those of a service. */
export function serviceLinks(env: Environment): string[] {
  return KNOWN_SETTINGS.filter((name) => /^(tcp|udp):\/\//.test(env[name] ?? ''));
}
