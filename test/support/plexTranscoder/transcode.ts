import { setTimeout as delay } from 'node:timers/promises';
import { readCommand, valuesOf } from '#shared/argv/command.ts';
import type { ByteString } from '#shared/bytes.ts';
import { Callbacks } from './callbacks.ts';
import type { StandInConfig } from './config.ts';
import { DashOutput } from './dashOutput.ts';
import { type Exit, FfmpegProcess } from './ffmpegProcess.ts';
import { FIRST_LIST_DESCRIPTOR, type Plan } from './plan.ts';
import { announceInput, frameRate, type Probe, probe } from './probe.ts';
import { ReadError } from './readError.ts';
import { SegmentOutput } from './segmentOutput.ts';
import { translate } from './translate.ts';
import { WorkDirectory } from './work.ts';

/** The genuine transcoder reports at least every 0.5 s. */
const REPORT_INTERVAL_MS = 400;

/** What the genuine transcoder answers SIGTERM with. */
const STOPPED_CODE = 255;

/** One run: the calls to PMS around one ffmpeg. */
export class Transcode {
  readonly #argv: readonly ByteString[];
  readonly #config: StandInConfig;
  readonly #progressUrl: string | null;
  readonly #callbacks: Callbacks;
  readonly #work = new WorkDirectory();
  #ffmpeg: FfmpegProcess | null = null;
  #stopped = false;

  constructor(argv: readonly ByteString[], config: StandInConfig) {
    this.#argv = argv;
    this.#config = config;
    this.#progressUrl = valuesOf(argv, readCommand(argv), 'progressurl')[0] ?? null;
    // biome-ignore lint/style/noProcessEnv: this is where the genuine transcoder finds it
    this.#callbacks = new Callbacks(process.env['X_PLEX_TOKEN']);
  }

  async run(): Promise<Exit> {
    try {
      // Opened before ffmpeg opens it: a file may heal for whoever opens it after an error.
      const reading = this.#config.hidesReadErrors ? await ReadError.watch(this.#input) : null;
      const probed = await this.#open();
      if (this.#stopped) return { code: STOPPED_CODE, signal: null };
      const work = this.#work;
      const plan = translate(this.#argv, {
        probed,
        link: (path) => work.link(path),
        get work() {
          return work.path;
        },
      });
      return await this.#transcode(plan, probed, reading);
    } finally {
      this.#work.remove();
    }
  }

  stop(signal: NodeJS.Signals): void {
    this.#stopped = true;
    this.#callbacks.hurry();
    this.#ffmpeg?.end(signal);
  }

  async #open(): Promise<Probe> {
    const probing = probe(this.#config.ffprobe, this.#input);
    if (this.#progressUrl === null) return probing;
    await this.#callbacks.put(`${this.#progressUrl}?status=startup`);
    const probed = await probing;
    await announceInput(this.#callbacks, this.#progressUrl, probed);
    return probed;
  }

  async #transcode(plan: Plan, probed: Probe, reading: ReadError | null): Promise<Exit> {
    const lists = plan.outputs.filter(({ kind }) => kind === 'segments').length;
    const ffmpeg = new FfmpegProcess(this.#config.ffmpeg, plan.args, 1 + lists);
    this.#ffmpeg = ffmpeg;
    let descriptor = FIRST_LIST_DESCRIPTOR;
    const outputs = plan.outputs.map((output) =>
      output.kind === 'dash'
        ? new DashOutput(output, this.#callbacks, this.#config.listing)
        : new SegmentOutput(output, ffmpeg.pipe(descriptor++), this.#callbacks, this.#config.ffprobe),
    );
    const reporting = this.#report(ffmpeg, plan, probed);
    const exit = await ffmpeg.exited;
    await reporting;
    for (const output of outputs) await output.finish();
    await this.#sendProgress(ffmpeg, plan, probed);
    const isShort = this.#position(ffmpeg, plan, probed) < (probed.duration ?? 0) - 1;
    if (exit.code === 0 && isShort && reading) await this.#reportReadError(reading);
    await reading?.close();
    return this.#stopped && exit.code === null ? { code: STOPPED_CODE, signal: null } : exit;
  }

  get #input(): string {
    const index = readCommand(this.#argv).inputs[0]?.index ?? 0;
    const input = this.#argv[index] ?? '';
    return typeof input === 'string' ? input : this.#work.link(input);
  }

  async #reportReadError(reading: ReadError): Promise<void> {
    const cause = await reading.cause();
    const [loglevel] = valuesOf(this.#argv, readCommand(this.#argv), 'loglevel');
    if (cause !== null && loglevel !== 'quiet') process.stderr.write(`${this.#input}: ${cause}\n`);
  }

  async #report(ffmpeg: FfmpegProcess, plan: Plan, probed: Probe): Promise<void> {
    if (this.#progressUrl === null) return;
    let running = true;
    const ended = ffmpeg.exited.then(() => {
      running = false;
    });
    while (running) {
      const reply = await this.#sendProgress(ffmpeg, plan, probed);
      if (running && !this.#stopped) ffmpeg.pause(reply.includes('canThrottle'));
      await Promise.race([ended, delay(REPORT_INTERVAL_MS)]);
    }
  }

  async #sendProgress(ffmpeg: FfmpegProcess, plan: Plan, probed: Probe): Promise<string> {
    if (this.#progressUrl === null) return '';
    const { speed, bytes } = ffmpeg.progress;
    const { duration } = probed;
    const position = this.#position(ffmpeg, plan, probed);
    const percent = duration === null ? 0 : Math.min(100, (position / duration) * 100);
    const isKnown = duration !== null && speed !== null && speed > 0;
    const remaining = isKnown ? Math.max(0, Math.round((duration - position) / speed)) : -1;
    const speedField = speed === null || ffmpeg.isPaused ? '' : `&speed=${speed.toFixed(1)}`;
    return this.#callbacks.put(
      `${this.#progressUrl}?progress=${percent.toFixed(1)}&size=${bytes ?? -1}&remaining=${remaining}${speedField}`,
    );
  }

  /** After a seek, ffmpeg's versions differ in whether they report the source's time or the output's: frames are sure. */
  #position(ffmpeg: FfmpegProcess, plan: Plan, probed: Probe): number {
    const { seconds, frames } = ffmpeg.progress;
    if (plan.start === 0) return seconds;
    const video = probed.streams.find(({ codec_type: type }) => type === 'video');
    const rate = plan.frameRate ?? (video ? frameRate(video) : null);
    return plan.start + (rate === null ? 0 : frames / rate);
  }
}
