import { expect } from 'vitest';

/** What an attacker may have got hold of, one at a time: what docs/security.md says they can't do with it is tried. */
export const TOKENS = {
  relay: 'red-team-relay-tok',
  worker: 'red-team-worker-tok',
  admin: 'red-team-admin-tok',
};
export const PMS_TOKEN = 'red-team-x-plex-token';

/** Settings of a cluster that is attacked: each role has its own token, and what nobody takes ends soon. */
export const ATTACKED = {
  CLUSTERPLEX_RELAY_TOKEN: TOKENS.relay,
  CLUSTERPLEX_WORKER_TOKEN: TOKENS.worker,
  CLUSTERPLEX_ADMIN_TOKEN: TOKENS.admin,
  LISTENING_HOST: '127.0.0.1',
  RECOVERY_WINDOW_MS: '0',
  QUEUE_TIMEOUT_MS: '1000',
  QUEUE_TIMEOUT_BACKGROUND_MS: '1000',
};

export function expectNoSecrets(text: string): void {
  for (const secret of [...Object.values(TOKENS), PMS_TOKEN]) expect(text).not.toContain(secret);
}

/** Fails, too, when there is nothing to look through. */
export function expectCleanLogs(logs: string): void {
  expect(logs).toContain('connected to the orchestrator');
  expectNoSecrets(logs);
}

/** Commands that named files in ways that were not seen, and why each is refused. */
export const WAYS_OUT: readonly [string, readonly string[], RegExp][] = [
  ['-dump_attachment ""', ['-dump_attachment:t', '', '-i', 'a', 'x'], /lets the input name the file/],
  [
    'a graph as input that writes',
    ['-f', 'lavfi', '-i', 'concat,metadata=file=/etc/x:mode=print', 'x'],
    /lies outside/,
  ],
  ['a graph in a file', ['-f', 'lavfi', '-graph_file', 'g', '-i', 'a', 'x'], /takes options from a file/],
  ['a list inside a graph', ['-f', 'lavfi', '-i', 'movie=l:format_opts=safe=0', 'x'], /has safe inside it/],
  ['a program inside a graph', ['-i', 'a', '-af', 'ladspa=file=evil.so:p=x', 'x'], /uses the filter ladspa/],
  ['a list behind a flag', ['-auto_conversion_filters', '-safe', '0', '-i', 'l', 'x'], /its own choice/],
];

/** Variables of a job that a transcoder, a shell or a library would obey. None arrives. */
export const VARIABLES: readonly [string, string][] = [
  ['LD_PRELOAD', '/transcode/evil.so'],
  ['LD_LIBRARY_PATH', '/transcode'],
  ['LD_AUDIT', '/transcode/evil.so'],
  ['PATH', '/transcode'],
  ['HOME', '/transcode'],
  ['IFS', '/'],
  ['ENV', '/transcode/evil.sh'],
  ['BASH_ENV', '/transcode/evil.sh'],
  ['FFREPORT', 'file=/etc/cron.d/x'],
  ['FFMPEG_EXTERNAL_LIBS', '/transcode/'],
  ['LIBVA_DRIVERS_PATH', '/transcode'],
  ['EAE_ROOT', '/transcode'],
  ['NODE_OPTIONS', '--require /transcode/evil.js'],
  ['CUDA_VISIBLE_DEVICES', '7'],
  ['http_proxy', 'http://10.0.0.1'],
  ['GCONV_PATH', '/transcode'],
  ['CLUSTERPLEX_WORKER', 'another'],
  ['BASH_FUNC_exec%%', '() { evil; }'],
];
