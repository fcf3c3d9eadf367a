import { choice, flag, milliseconds, type SettingsOf, text } from '#shared/settings/table.ts';

/** The rows that the installer reads, too: where the transcoder is. */
export const transcoderSettings = {
  TRANSCODER_PATH: text('/usr/lib/plexmediaserver/', 'Directory of `Plex Transcoder` on the PMS host.'),
  TRANSCODER_LOCAL_NAME: text('originalTranscoder', 'Name of the original transcoder in TRANSCODER_PATH.'),
};

/**
 * For the documentation: the hook must start fast, so it imports nothing and reads its environment itself. A test
 * (`test/integration/hookSettings.test.ts`) compares the two.
 */
export const hookSettings = {
  TRANSCODE_OPERATING_MODE: choice(
    ['local', 'remote', 'both'],
    'both',
    'Where transcodes run: here, on workers, or on workers and here when no worker can.',
  ),
  TRANSCODE_EAE_LOCALLY: flag(false, 'Whether jobs that need EasyAudioEncoder run here.'),
  TRANSCODE_PREVIEWS_LOCALLY: flag(false, 'Whether thumbnails (images without a viewer) are made here.'),
  ...transcoderSettings,
  TRANSCODER_VERBOSE: flag(
    false,
    'Raises the transcoder’s log levels, and lets the hook write to its stderr.',
  ),
  RELAY_SOCKET: text('/run/clusterplex/relay.sock', 'Unix socket between hook and relay.'),
  RELAY_RECONNECT_MS: milliseconds(
    30_000,
    'How long a hook waits for the next relay when the one that has its job goes away.',
  ),
};

export type HookSettings = SettingsOf<typeof hookSettings>;
