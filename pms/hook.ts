// What PMS starts in place of `Plex Transcoder`. A viewer waits for its start, so this file imports nothing but types.
// The installer strips those and writes CommonJS, which starts twice as fast: it works in both module systems.
// Argv, env and paths need not be UTF-8: they are held as strings of a byte per character (Latin-1).
import type { Socket } from 'node:net';
import type { ByteString } from '#shared/bytes.ts';
import type { HookLine, OutputLine, RelayLine } from './hookProtocol.ts';
import type { HookSettings } from './hookSettings.ts';

const fs = process.getBuiltinModule('node:fs');
const { isUtf8 } = process.getBuiltinModule('node:buffer');

const BAD_SETTINGS = 64;
const INTERNAL = 70;
const NO_RELAY = 75;
/** Higher than any attempt of a worker. */
const LOCAL_ATTEMPT = 1_000_000_000;

/** How long a relay may be away before the job runs without it, and how often it is tried. */
const [CONNECT_MS, CONNECT_INTERVAL_MS] = [250, 20];
/** A relay that is stopped still takes connections, by way of the kernel. */
const ACCEPT_MS = 2_000;
/** How long a relay that has the job may be away: its supervisor restarts it. */
const RECONNECT_MS = 10_000;
const [RECONNECT_FIRST_MS, RECONNECT_LAST_MS] = [50, 500];
const MAX_LINE = 16 * 1024 * 1024;

/** What the wrapper adds to the environment (pms/install/wrapper.ts); no transcoder sees it. */
const [SAVED, ORIGINAL] = ['HOOK_SAVED_', 'HOOK_ORIGINAL'];

type Call = ReturnType<typeof readCall>;
let verbose = false;

function main(): void {
  let settings: HookSettings;
  try {
    settings = readSettings();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exit(BAD_SETTINGS);
  }
  verbose = settings.TRANSCODER_VERBOSE;
  process.on('uncaughtException', (error) => {
    if (verbose) say(error.message);
    process.exit(INTERNAL);
  });
  const call = readCall(settings);
  const reason = reasonForLocal(settings, call);
  if (reason === null) runRemotely(settings, call);
  else runLocally(call, reason);
}

function readSettings(): HookSettings {
  return {
    TRANSCODE_OPERATING_MODE: oneOf('TRANSCODE_OPERATING_MODE', ['local', 'remote', 'both']) ?? 'both',
    TRANSCODE_EAE_LOCALLY: flag('TRANSCODE_EAE_LOCALLY'),
    TRANSCODE_PREVIEWS_LOCALLY: flag('TRANSCODE_PREVIEWS_LOCALLY'),
    TRANSCODER_PATH: given('TRANSCODER_PATH') || '/usr/lib/plexmediaserver/',
    TRANSCODER_LOCAL_NAME: given('TRANSCODER_LOCAL_NAME') || 'originalTranscoder',
    TRANSCODER_VERBOSE: flag('TRANSCODER_VERBOSE'),
    RELAY_SOCKET: given('RELAY_SOCKET') || '/run/clusterplex/relay.sock',
  };
}

/** The same rules as shared/settings/read.ts. */
function given(name: string): string {
  // biome-ignore lint/style/noProcessEnv: this file is a program of its own.
  const { [name]: value = '', [`${name}_FILE`]: file } = process.env;
  const direct = value.trim().replace(/^(["'])(.*)\1$/, '$2');
  if (file && direct) throw new Error(`${name} is set twice: as itself and through ${name}_FILE`);
  return file ? fs.readFileSync(file, 'utf8').trim() : direct;
}

function oneOf<const V extends string>(name: string, values: readonly V[]): V | undefined {
  const value = given(name).toLowerCase();
  const found = values.find((candidate) => candidate === value);
  if (value && !found) throw new Error(`${name} is wrong: ${value} is none of ${values.join(', ')}`);
  return found;
}

function flag(name: string): boolean {
  return /^(1|true|yes|on)$/.test(oneOf(name, ['1', 'true', 'yes', 'on', '0', 'false', 'no', 'off']) ?? '0');
}

function readCall({ TRANSCODER_PATH: directory, TRANSCODER_LOCAL_NAME: name }: HookSettings) {
  const elements = (file: string): string[] => fs.readFileSync(file, 'latin1').split('\0').slice(0, -1);
  const cmdline = elements('/proc/self/cmdline');
  const env: [string, string][] = [];
  let original = Buffer.from(`${directory.replace(/\/*$/, '/')}${name}`).toString('latin1');
  for (const entry of elements('/proc/self/environ')) {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(entry) ?? [];
    if (key === ORIGINAL) original = value;
    else if (key) env.push([key.startsWith(SAVED) ? key.slice(SAVED.length) : key, value]);
  }
  const args = cmdline.slice(cmdline.length - (process.argv.length - 2));
  return { args, env, cwd: fs.readlinkSync('/proc/self/cwd', 'latin1'), original };
}

/** Why this job stays here whatever the relay would say, or null. */
function reasonForLocal(settings: HookSettings, { args, cwd }: Call): string | null {
  if (settings.TRANSCODE_OPERATING_MODE === 'local') return 'TRANSCODE_OPERATING_MODE is local';
  if (args.length === 0) return 'there is nothing to transcode';
  // As ClusterPlex does, in every mode.
  if (cwd.includes('PlexCreditsDetection')) return 'credits detection';
  if (settings.TRANSCODE_EAE_LOCALLY && args.some((arg) => /^-eae_prefix(:|$)/.test(arg))) return 'EAE';
  const hasImages = args.some((arg, index) => arg === '-f' && args[index + 1] === 'image2');
  const isPreview = hasImages && !args.includes('-progressurl');
  return settings.TRANSCODE_PREVIEWS_LOCALLY && isPreview ? 'thumbnails' : null;
}

/** The process goes on as the original transcoder, so that PMS sees its genuine end. */
function runLocally({ args, env, original }: Call, reason: string): never {
  if (verbose) say(`running locally: ${reason}`);
  // A failing execve would abort the process.
  fs.accessSync(Buffer.from(original, 'latin1'), fs.constants.X_OK);
  // Node ignores these two, and what is ignored stays so in the next program; what is handled gets its default back.
  for (const signal of ['SIGPIPE', 'SIGXFSZ'] as const) process.on(signal, () => {});
  const words = [...env.map((pair) => pair.join('=')), original, ...args];
  if (isUtf8(Buffer.from(words.join('\0'), 'latin1'))) {
    const pairs = env.map(([name, value]) => [text(name), text(value)]);
    process.execve?.(text(original), [original, ...args].map(text), Object.fromEntries(pairs));
  }
  process.execve?.('/bin/sh', shellArgv(words), { LC_ALL: 'C' });
  throw new Error('this Node has no process.execve');
}

/** A local run is an attempt, too: one that is still running elsewhere ends when it reads this (worker/transcoder/fence.ts). */
function takeOver(jobId: string): void {
  try {
    fs.writeFileSync(`.clusterplex-${jobId}.new`, `${LOCAL_ATTEMPT} local\n`);
    fs.renameSync(`.clusterplex-${jobId}.new`, `.clusterplex-${jobId}`);
  } catch {}
}

/** Node can't pass on bytes that are not UTF-8, so the shell's printf makes them from text. */
function shellArgv(words: readonly string[]): string[] {
  const parameters: string[] = [];
  const reference = (parameter: string): string => `\${${parameters.push(parameter)}}`;
  const octal = (char: string): string => `\\0${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
  let setup = '';
  const quoted = words.map((word, index) => {
    if (typeof byteString(word) === 'string') return `"${reference(text(word))}"`;
    // In pieces, because Linux takes at most 128 KiB in one argument.
    const pieces = word.replace(/[\\\x80-\xff]/g, octal).match(/.{1,100000}/gs) ?? [];
    // The dot keeps newlines at the end, which a command substitution would drop.
    setup += `w${index}=$(printf '%b.' "${pieces.map(reference).join('')}"); w${index}=\${w${index}%.}; `;
    return `"$w${index}"`;
  });
  // `env -i`, not the shell's own exports: a shell drops variables whose names it doesn't like, and adds some.
  return ['sh', '-c', `${setup}exec /usr/bin/env -i -- ${quoted.join(' ')}`, 'sh', ...parameters];
}

function text(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

function byteString(bytes: string): ByteString {
  const buffer = Buffer.from(bytes, 'latin1');
  return isUtf8(buffer) ? buffer.toString() : { base64: buffer.toString('base64') };
}

function runRemotely(settings: HookSettings, call: Call): void {
  const net = process.getBuiltinModule('node:net');
  const job = {
    jobId: fs.readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trim(),
    argv: call.args.map(byteString),
    env: Object.fromEntries(call.env.map(([name, value]) => [text(name), byteString(value)])),
    cwd: byteString(call.cwd),
    local: settings.TRANSCODE_OPERATING_MODE === 'both',
    verbose,
  };
  /** What happened and waits until earlier output is written. */
  const inbox: (RelayLine | { type: 'closed' })[] = [];
  let relay: Socket | null = null;
  let acceptTimer: NodeJS.Timeout | undefined;
  let [accepted, everAccepted] = [false, false];
  let signalled: number | null = null;
  let [written, writing] = [0, false];
  let deadline = performance.now() + CONNECT_MS;
  let delay = CONNECT_INTERVAL_MS;

  const send = (line: HookLine) => relay?.write(`${JSON.stringify(line)}\n`);

  const connect = (): void => {
    const socket = net.connect(settings.RELAY_SOCKET).setEncoding('utf8');
    let partial = '';
    acceptTimer = setTimeout(() => socket.destroy(), ACCEPT_MS);
    socket.on('error', () => {});
    socket.on('connect', () => {
      relay = socket;
      send({ type: 'job', ...job, again: everAccepted, received: written });
    });
    socket.on('data', (chunk: string) => {
      clearTimeout(acceptTimer);
      const [first = '', ...others] = chunk.split('\n');
      partial += first;
      for (const piece of others) {
        inbox.push(readLine(partial));
        partial = piece;
      }
      if (partial.length > MAX_LINE) throw new Error('a line from the relay is too long');
      handleInbox();
    });
    socket.on('close', () => {
      clearTimeout(acceptTimer);
      relay = null;
      inbox.push({ type: 'closed' });
      handleInbox();
    });
  };

  const reconnect = (): void => {
    if (signalled) process.exit(128 + signalled);
    if (accepted) {
      accepted = false;
      everAccepted = true;
      deadline = performance.now() + RECONNECT_MS;
      delay = RECONNECT_FIRST_MS;
    }
    if (performance.now() + delay > deadline) {
      // Once a relay had the job a worker may still run it, and two must not write into one directory.
      const reason = `no relay answers at ${settings.RELAY_SOCKET}`;
      if (job.local && !everAccepted) runLocally(call, reason);
      if (verbose) say(reason);
      process.exit(NO_RELAY);
    }
    setTimeout(connect, delay);
    if (everAccepted) delay = Math.min(2 * delay, RECONNECT_LAST_MS);
  };

  const handleInbox = (): void => {
    while (!writing && inbox.length > 0) {
      const line = inbox.shift() ?? { type: 'closed' };
      if (line.type === 'accepted') accepted = true;
      if (line.type === 'output') write(line);
      if (line.type === 'exit') process.exit(line.code);
      if (line.type === 'closed') reconnect();
      if (line.type === 'local') {
        if (signalled) process.exit(128 + signalled);
        if (accepted) takeOver(job.jobId);
        runLocally(call, line.reason);
      }
    }
  };

  const write = ({ stream, data, offset }: OutputLine): void => {
    if (offset > written) throw new Error(`output from ${written} to ${offset} is missing`);
    const bytes = Buffer.from(data, 'base64').subarray(written - offset);
    const done = (): void => {
      writing = false;
      written += bytes.length;
      send({ type: 'received', offset: written });
    };
    let count = 0;
    try {
      while (count < bytes.length) count += fs.writeSync(stream === 'stdout' ? 1 : 2, bytes, count);
    } catch (error) {
      // Any other failure means that nobody reads it any more, which would not end the transcoder either.
      writing = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
    }
    if (!writing) {
      done();
    } else {
      if (process[stream].listenerCount('error') === 0) process[stream].on('error', () => {});
      process[stream].write(bytes.subarray(count), () => {
        done();
        handleInbox();
      });
    }
  };

  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      signalled = process.getBuiltinModule('node:os').constants.signals[signal];
      if (!relay) process.exit(128 + signalled);
      send({ type: 'signal', signal });
    });
  }
  connect();
}

/** Checks what hookProtocol.ts says, as far as anything here depends on it. */
function readLine(text: string): RelayLine {
  const { type, stream, data, offset, code, reason }: Record<string, unknown> = Object(JSON.parse(text));
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
  if (type === 'accepted') return { type };
  if (type === 'local' && typeof reason === 'string') return { type, reason };
  if (type === 'exit' && isCount(code) && code <= 255) return { type, code };
  const isOutput = (stream === 'stdout' || stream === 'stderr') && typeof data === 'string';
  if (type === 'output' && isOutput && isCount(offset)) return { type, stream, data, offset };
  throw new Error(`bad line from the relay: ${text.slice(0, 80)}`);
}

function say(text: string): void {
  try {
    fs.writeSync(2, `clusterplex: ${text}\n`);
  } catch {}
}

main();
