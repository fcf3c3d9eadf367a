// What PMS starts in place of `Plex Transcoder`. A viewer waits for its start, so it and what it imports use nothing
// but Node. The installer makes one CommonJS file of them, which starts twice as fast: install/hookText.ts.
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { ByteString } from '#shared/bytes.ts';
import { runBeside } from './hook/beside.ts';
import { byteString, type Call, readCall, runLocally, say, text } from './hook/call.ts';
import { readSettings } from './hook/settings.ts';
import { takeOver } from './hook/takeOver.ts';
import type { HookLine, OutputLine, RelayLine } from './hookProtocol.ts';
import type { HookSettings } from './hookSettings.ts';

const BAD_SETTINGS = 64;
const INTERNAL = 70;
const NO_RELAY = 75;

/** How long a relay may be away before the job runs without it, and how often it is tried. */
const [CONNECT_MS, CONNECT_INTERVAL_MS] = [250, 20];
/** A relay that is stopped still takes connections, by way of the kernel. */
const ACCEPT_MS = 2_000;
/** How often a relay that has the job is looked for: its supervisor restarts it. */
const [RECONNECT_FIRST_MS, RECONNECT_LAST_MS] = [50, 500];
const MAX_LINE = 16 * 1024 * 1024;

function main(): void {
  let settings: HookSettings;
  try {
    settings = readSettings();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exit(BAD_SETTINGS);
  }
  process.on('uncaughtException', (error) => {
    if (settings.TRANSCODER_VERBOSE) say(error.message);
    process.exit(INTERNAL);
  });
  const call = readCall(settings);
  const reason = reasonForLocal(settings, call);
  if (reason === null) runRemotely(settings, call);
  else runLocally(call, reason);
}

/** Why this job stays here whatever the relay would say, or null. */
function reasonForLocal(settings: HookSettings, { args, cwd, isWorkers }: Call): string | null {
  if (settings.TRANSCODE_OPERATING_MODE === 'local') return 'TRANSCODE_OPERATING_MODE is local';
  if (args.length === 0) return 'there is nothing to transcode';
  if (isWorkers) return 'a worker started it';
  // As ClusterPlex does, in every mode.
  if (cwd.includes('PlexCreditsDetection')) return 'credits detection';
  if (settings.TRANSCODE_EAE_LOCALLY && args.some((arg) => /^-eae_prefix(:|$)/.test(arg))) return 'EAE';
  const hasImages = args.some((arg, index) => arg === '-f' && args[index + 1] === 'image2');
  const isPreview = hasImages && !args.includes('-progressurl');
  return settings.TRANSCODE_PREVIEWS_LOCALLY && isPreview ? 'thumbnails' : null;
}

function runRemotely(settings: HookSettings, call: Call): void {
  const net = process.getBuiltinModule('node:net');
  const fs = process.getBuiltinModule('node:fs');
  const job = {
    jobId: fs.readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trim(),
    argv: call.args.map(byteString),
    env: Object.fromEntries(call.env.map(([name, value]) => [text(name), byteString(value)])),
    cwd: byteString(call.cwd),
    local: settings.TRANSCODE_OPERATING_MODE === 'both',
    verbose: call.verbose,
    startedAt: performance.timeOrigin,
  };
  /** What happened and waits until earlier output is written. */
  const inbox: (RelayLine | { type: 'closed' })[] = [];
  let relay: Socket | null = null;
  let acceptTimer: NodeJS.Timeout | undefined;
  let accepted = false;
  /** The original transcoder, once a relay has said with what it goes on here. */
  let transcoder: ChildProcess | null = null;
  let trouble = '';
  let signalled: number | null = null;
  let [written, writing] = [0, false];
  let cursor: string | null = null;
  let deadline = performance.now() + CONNECT_MS;
  let delay = CONNECT_INTERVAL_MS;

  const send = (line: HookLine) => relay?.write(`${JSON.stringify(line)}\n`);

  const connect = (): void => {
    const socket = net.connect(settings.RELAY_SOCKET).setEncoding('utf8');
    let partial = '';
    acceptTimer = setTimeout(() => socket.destroy(), ACCEPT_MS);
    socket.on('error', ({ message }) => {
      trouble = `: ${message}`;
    });
    socket.on('connect', () => {
      relay = socket;
      const before = accepted ? { received: written, cursor, runsHere: transcoder !== null } : null;
      send({ type: 'job', ...job, before });
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

  /** Once a relay had the job, a worker may still be running it. */
  const endElsewhere = (): void => {
    try {
      if (accepted) takeOver(Buffer.from(`.clusterplex-${job.jobId}`), 'local');
    } catch {}
  };

  const leave = (code: number): never => {
    endElsewhere();
    process.exit(code);
  };

  const reconnect = (): void => {
    if (signalled && !transcoder) leave(128 + signalled);
    if (deadline === Number.POSITIVE_INFINITY) {
      deadline = performance.now() + settings.RELAY_RECONNECT_MS;
      delay = RECONNECT_FIRST_MS;
    }
    if (!transcoder && performance.now() + delay > deadline) {
      // Once a relay had the job a worker may still run it, and two must not write into one directory.
      const reason = `no relay answers at ${settings.RELAY_SOCKET}${trouble}`;
      if (job.local && !accepted) runLocally(call, reason);
      if (call.verbose) say(reason);
      leave(NO_RELAY);
    }
    setTimeout(connect, delay);
    if (accepted) delay = Math.min(2 * delay, RECONNECT_LAST_MS);
  };

  const handleInbox = (): void => {
    while (!writing && inbox.length > 0) {
      const line = inbox.shift() ?? { type: 'closed' };
      if (line.type === 'accepted') {
        accepted = true;
        deadline = Number.POSITIVE_INFINITY;
      }
      if (line.type === 'closed') reconnect();
      // From now on it is the transcoder that decides.
      if (transcoder) continue;
      if (line.type === 'output') write(line);
      if (line.type === 'exit') process.exit(line.code);
      if (line.type === 'local') {
        if (signalled) leave(128 + signalled);
        endElsewhere();
        if (line.argv) transcoder = runBeside(call, line.argv, line.reason);
        else runLocally(call, line.reason);
      }
    }
  };

  const write = ({ stream, data, offset, cursor: at }: OutputLine): void => {
    if (offset > written) throw new Error(`output from ${written} to ${offset} is missing`);
    const bytes = Buffer.from(data, 'base64').subarray(written - offset);
    const done = (): void => {
      writing = false;
      written += bytes.length;
      cursor = at;
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
      if (transcoder) transcoder.kill(signal);
      else if (relay) send({ type: 'signal', signal });
      else leave(128 + signalled);
    });
  }
  connect();
}

/** Checks what hookProtocol.ts says, as far as anything here depends on it. */
function readLine(text: string): RelayLine {
  const { type, stream, data, offset, cursor, code, reason, argv }: Record<string, unknown> = Object(
    JSON.parse(text),
  );
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
  if (type === 'accepted') return { type };
  if (type === 'local' && typeof reason === 'string' && isArgv(argv)) return { type, reason, argv };
  if (type === 'exit' && isCount(code) && code <= 255) return { type, code };
  const isOutput =
    (stream === 'stdout' || stream === 'stderr') && typeof data === 'string' && isCount(offset);
  if (type === 'output' && isOutput && typeof cursor === 'string')
    return { type, stream, data, offset, cursor };
  throw new Error(`bad line from the relay: ${text.slice(0, 80)}`);
}

function isArgv(value: unknown): value is ByteString[] | null {
  const isWord = (word: unknown): boolean =>
    typeof word === 'string' || typeof Object(word).base64 === 'string';
  return value === null || (Array.isArray(value) && value.every(isWord));
}

main();
