/**
 * `npm run demo -- [FILE] [--keep]`: all parts as processes of their own on this machine, and one transcode the whole
 * way, started by a PMS that is a stand-in (fakePms.ts) with a command that a real one wrote (test/corpus).
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CodedError, coerceError } from '#shared/errors.ts';
import { wrapperText } from '#shared/hookWrapper.ts';
import { hookText } from '../../pms/install/hookText.ts';
import { corpusCommand } from './corpus.ts';
import { fitTo } from './demo/fit.ts';
import { type Media, probeMedia, spanOf } from './demo/media.ts';
import { ProgressBar } from './demo/progressBar.ts';
import { FakePms } from './fakePms.ts';
import { type FfmpegTools, ffmpegTools } from './ffmpeg.ts';
import { Part } from './part.ts';
import { installPlexTranscoder } from './plexTranscoder.ts';
import { retarget } from './retarget.ts';
import { makeSample } from './sample.ts';

/** HLS, MPEG-TS, H.264 in software, a subtitle burned in. */
const COMMAND = 'plex-misc-2';
const SEGMENT_SECONDS = 1;

const HELP = `npm run demo -- [FILE] [--keep]

FILE    a film; without one a sample is made
--keep  go on serving until Ctrl-C`;

const directory = mkdtempSync(join(tmpdir(), 'clusterplex-demo-'));
const parts: Part[] = [];
const stops: (() => Promise<unknown>)[] = [];
const stopping = new AbortController();
let succeeded = false;

// Node's remark about stripTypeScriptTypes, which makes the hook, says nothing to whoever watches this.
process.removeAllListeners('warning');
// The terminal may be gone: that is what SIGHUP means.
process.stdout.on('error', () => undefined);

const stopped = Promise.race(
  (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(async (signal) => {
    await once(process, signal);
    stopping.abort();
    return 128 + constants.signals[signal];
  }),
);
const code = await Promise.race([main().catch(failed), stopped]);
stopping.abort();
for (const stop of stops) await stop();
await Promise.all(parts.toReversed().map((part) => part.stop()));
if (!succeeded) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
if (code > 128) say('stopped');
// What was interrupted may still hold something open.
process.exit(code > 128 && succeeded ? 0 : code);

async function main(): Promise<number> {
  const { keep, help, film: given } = readArguments();
  if (help) {
    say(HELP);
    return 0;
  }
  const { segments, orchestrator } = await demo(given);
  succeeded = true;
  say(`kept         ${segments}; remove ${directory} when you have seen enough`);
  if (!keep) {
    say('To look at the dashboard afterwards: npm run demo -- --keep');
    return 0;
  }
  say(`serving on   dashboard ${orchestrator}/, API ${orchestrator}/api/v1/jobs; Ctrl-C ends it`);
  return stopped;
}

function readArguments(): { keep: boolean; help: boolean; film: string | null } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { keep: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    });
    const [film = null, tooMany] = positionals;
    if (tooMany !== undefined) throw new Error(`One film is enough: '${tooMany}' is too many`);
    return { ...values, film };
  } catch (error) {
    // Node's second sentence is about file names that begin with a dash.
    const [problem = ''] = coerceError(error).message.split('. ');
    throw new CodedError('bad-request', problem, 'see npm run demo -- --help');
  }
}

/** @returns the exit code */
function failed(error: unknown): number {
  // A part that was told to stop is no failure.
  if (stopping.signal.aborted) return 1;
  if (error instanceof CodedError) {
    say(`${error.message}${error.hint === null ? '' : ` (${error.hint})`}`);
    return 2;
  }
  say(`\nThe demo failed: ${coerceError(error).message}`);
  for (const part of parts) for (const line of part.log.slice(-5)) say(JSON.stringify(line));
  return 1;
}

async function demo(given: string | null): Promise<{ segments: string; orchestrator: string }> {
  const transcode = join(directory, 'transcode');
  const tools = ffmpegTools();
  const input = given === null ? await sample(tools) : filmAt(given);
  const media = await probeMedia(input, tools.ffprobe);

  const pms = await FakePms.start();
  stops.push(() => pms.close());
  const hook = await installHook(tools);
  const { orchestrator, relaySocket } = await startParts([transcode, resolve(input, '..')], pms.port);
  say(`dashboard    ${orchestrator}/ while this runs`);

  const command = corpusCommand(COMMAND);
  const target = retarget(command, {
    input,
    pmsPort: pms.port,
    transcodeDirectory: transcode,
    streams: {
      '0:0': `0:${media.video.index}`,
      '0:1': `0:${media.audio.index}`,
      '0:3': `0:${media.subtitle?.index ?? 0}`,
    },
  });
  const job = fitTo(target, media);
  say(`PMS starts   ${command.id} of the corpus: ${command.argv.length} arguments, on ${input}`);

  const startedAt = performance.now();
  const bar = new ProgressBar(process.stdout);
  pms.onProgress((percent, { query }) => {
    const speed = query.get('speed');
    bar.show(
      Math.min(100, percent),
      `${speed ? `${Number(speed).toFixed(1)}×` : ''}  ${workerOfJob() ?? ''}`,
    );
  });
  stopping.signal.throwIfAborted();
  const child = await pms.spawn(hook, job, { RELAY_SOCKET: relaySocket, TRANSCODE_OPERATING_MODE: 'remote' });
  const { code: exitCode } = await child.exited;
  stopping.signal.throwIfAborted();
  bar.show(100, `${workerOfJob() ?? ''}, in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
  bar.end();
  if (exitCode !== 0) {
    throw new Error(`the hook exited with ${exitCode}: ${child.stderr().toString().slice(-500)}`);
  }
  await report(job.cwd, media, tools);
  return { segments: job.cwd, orchestrator };
}

async function sample(tools: FfmpegTools): Promise<string> {
  const path = join(directory, 'media', 'Sample.mkv');
  mkdirSync(join(directory, 'media'));
  say('making a sample: 60 s, 1080p, with sound and subtitles');
  await makeSample(path, { tools, signal: stopping.signal });
  return path;
}

function filmAt(given: string): string {
  const found = statSync(given, { throwIfNoEntry: false });
  if (!found) throw new CodedError('bad-request', `there is no ${given}`);
  if (found.isDirectory()) throw new CodedError('bad-request', `${given} is a directory`, 'name a film');
  return resolve(given);
}

/** What `pms/install.ts` puts in place of PMS's transcoder. */
async function installHook(tools: FfmpegTools): Promise<string> {
  const plex = join(directory, 'plex');
  mkdirSync(plex);
  const original = await installPlexTranscoder(plex, { tools, name: 'originalTranscoder' });
  await installPlexTranscoder(directory, { tools });
  const hook = join(plex, 'clusterplex-hook.cjs');
  writeFileSync(hook, hookText());
  const wrapper = join(plex, 'Plex Transcoder');
  writeFileSync(wrapper, wrapperText({ node: process.execPath, hook, original }), { mode: 0o755 });
  return wrapper;
}

async function startParts(mounts: readonly string[], pmsPort: number) {
  const [transcode = ''] = mounts;
  mkdirSync(transcode, { recursive: true });
  const relaySocket = join(directory, 'relay.sock');
  const start = (file: string, env: Record<string, string>): Part => {
    stopping.signal.throwIfAborted();
    const part = new Part(file, { LISTENING_PORT: '0', ...env });
    parts.push(part);
    return part;
  };
  const orchestrator = await start('orchestrator/main.ts', {}).listening();
  const MOUNTS = mounts.map((path, index) => `${path}:${index === 0 ? 'rw' : 'ro'}`).join(',');
  const workers = ['worker-1', 'worker-2'].map((name) =>
    start('worker/main.ts', {
      ORCHESTRATOR_URL: orchestrator,
      WORKER_NAME: name,
      TRANSCODER_PATH: directory,
      MOUNTS,
      STAT_CPU_OPS_DURATION: '0',
    }),
  );
  const relay = start('pms/relay.ts', {
    ORCHESTRATOR_URL: orchestrator,
    RELAY_SOCKET: relaySocket,
    MOUNTS,
    LOCAL_RELAY_PORT: '0',
    PMS_PORT: String(pmsPort),
  });
  await Promise.all([...workers, relay].map((part) => part.logged('connected to the orchestrator')));
  say(`started      orchestrator ${orchestrator}, relay ${await relay.listening()}, worker-1, worker-2`);
  return { orchestrator, relaySocket };
}

/** The relay says where it went. */
function workerOfJob(): string | null {
  const lines = parts.flatMap(({ log }) => log).filter(({ msg }) => msg === 'job placed');
  const worker = lines.at(-1)?.['worker'];
  return typeof worker === 'string' ? worker : null;
}

/** Where the segments are, and whether they are the whole film. */
async function report(cwd: string, media: Media, tools: FfmpegTools): Promise<void> {
  const segments = readdirSync(cwd)
    .filter((name) => name.endsWith('.ts'))
    .sort();
  const spans: { start: number; end: number }[] = [];
  for (const name of segments) spans.push(await spanOf(join(cwd, name), tools.ffprobe));
  // Each segment's sound laps a little over into the next, so what counts is where the next one begins.
  const lengths = spans.map(({ start, end }, index) => (spans[index + 1]?.start ?? end) - start);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const playlist = join(cwd, 'index.m3u8');
  writeFileSync(playlist, playlistOf(segments, lengths));
  const [first = ''] = segments;
  const { video, audio } = await probeMedia(join(cwd, first), tools.ffprobe);
  say(`HLS output   ${playlist}`);
  say(
    `ffprobe      ${segments.length} segments, ${total.toFixed(1)} s of ${media.duration.toFixed(1)} s, ` +
      `${video.codec} ${video.width}×${video.height}, ${audio.codec}`,
  );
  if (Math.abs(total - media.duration) > SEGMENT_SECONDS)
    throw new Error('the segments are not the whole film');
}

/** What PMS makes of the transcoder's list for its players. */
function playlistOf(segments: readonly string[], lengths: readonly number[]): string {
  const rows = segments.map((name, index) => `#EXTINF:${(lengths[index] ?? 0).toFixed(6)},\n${name}`);
  const target = Math.ceil(Math.max(0, ...lengths));
  return [
    `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:${target}\n#EXT-X-MEDIA-SEQUENCE:0`,
    ...rows,
    '#EXT-X-ENDLIST\n',
  ].join('\n');
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
