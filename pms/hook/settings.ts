import type { HookSettings } from '../hookSettings.ts';

/** @throws Error naming the setting; the rules are those of shared/settings/read.ts */
export function readSettings(): HookSettings {
  return {
    TRANSCODE_OPERATING_MODE: oneOf('TRANSCODE_OPERATING_MODE', ['local', 'remote', 'both']) ?? 'both',
    TRANSCODE_EAE_LOCALLY: flag('TRANSCODE_EAE_LOCALLY'),
    TRANSCODE_PREVIEWS_LOCALLY: flag('TRANSCODE_PREVIEWS_LOCALLY'),
    TRANSCODER_PATH: given('TRANSCODER_PATH') || '/usr/lib/plexmediaserver/',
    TRANSCODER_LOCAL_NAME: given('TRANSCODER_LOCAL_NAME') || 'originalTranscoder',
    TRANSCODER_VERBOSE: flag('TRANSCODER_VERBOSE'),
    RELAY_SOCKET: given('RELAY_SOCKET') || '/run/clusterplex/relay.sock',
    RELAY_RECONNECT_MS: milliseconds('RELAY_RECONNECT_MS') ?? 30_000,
  };
}

function given(name: string): string {
  // biome-ignore lint/style/noProcessEnv: these are the hook's settings.
  const { [name]: value = '', [`${name}_FILE`]: file } = process.env;
  const direct = value.trim().replace(/^(["'])(.*)\1$/, '$2');
  if (file && direct) throw new Error(`${name} is set twice: as itself and through ${name}_FILE`);
  return file ? process.getBuiltinModule('node:fs').readFileSync(file, 'utf8').trim() : direct;
}

function oneOf<const V extends string>(name: string, values: readonly V[]): V | undefined {
  const value = given(name).toLowerCase();
  const found = values.find((candidate) => candidate === value);
  if (value && !found) throw new Error(`${name} is wrong: ${value} is none of ${values.join(', ')}`);
  return found;
}

function milliseconds(name: string): number | undefined {
  const value = given(name);
  const read = Number(value);
  if (value && (!/^-?\d+$/.test(value) || read < 0 || read > 2_147_483_647))
    throw new Error(`${name} is wrong: ${value} is not a whole number from 0 to 2147483647`);
  return value ? read : undefined;
}

function flag(name: string): boolean {
  return /^(1|true|yes|on)$/.test(oneOf(name, ['1', 'true', 'yes', 'on', '0', 'false', 'no', 'off']) ?? '0');
}
