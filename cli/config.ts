import { readFileSync } from 'node:fs';
import { CodedError } from '#shared/errors.ts';
import { commonSettings, orchestratorUrl } from '#shared/settings/common.ts';
import { environment } from '#shared/settings/environment.ts';
import { readSettings } from '#shared/settings/read.ts';
import { type SettingsOf, type SettingsTable, secret } from '#shared/settings/table.ts';
import { BAD_SETTINGS, Failure } from './failure.ts';

/** The command line finds the orchestrator as the parts do. */
export const commandLineSettings = {
  ORCHESTRATOR_URL: orchestratorUrl,
  CLUSTERPLEX_TOKEN: commonSettings.CLUSTERPLEX_TOKEN,
  CLUSTERPLEX_ADMIN_TOKEN: secret('Token of API and dashboard, in place of CLUSTERPLEX_TOKEN.'),
};

export type CommandLineSettings = SettingsOf<typeof commandLineSettings>;

/** @throws CodedError `bad-settings` */
export function read<T extends SettingsTable>(table: T): SettingsOf<T> {
  return readSettings(table, environment(), (path) => readFileSync(path, 'utf8'));
}

export function commandLine(): CommandLineSettings {
  try {
    return read(commandLineSettings);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw new Failure(BAD_SETTINGS, error.message, 'clusterplex --help names the settings');
  }
}

export interface Token {
  readonly setting: 'CLUSTERPLEX_ADMIN_TOKEN' | 'CLUSTERPLEX_TOKEN';
  readonly value: string;
}

export function adminToken(settings: CommandLineSettings): Token | null {
  for (const setting of ['CLUSTERPLEX_ADMIN_TOKEN', 'CLUSTERPLEX_TOKEN'] as const) {
    const value = settings[setting];
    if (value !== null) return { setting, value };
  }
  return null;
}
