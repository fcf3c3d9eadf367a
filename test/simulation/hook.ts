import type { EndSignal, JobSpec } from '#shared/job.ts';
import type { RelayLine } from '../../pms/hookProtocol.ts';
import { HeldJob } from '../../pms/relay/heldJob.ts';
import type { EventLoop } from './eventLoop.ts';
import type { SimRelay } from './parts.ts';
import type { Random } from './random.ts';
import type { OwnerFiles } from './transcoder.ts';

const RECONNECT_FOR_MS = 30_000;
const RECONNECT_EVERY_MS = 300;
const LINE_MS = 2;

export interface SimHookOptions {
  readonly loop: EventLoop;
  readonly random: Random;
  readonly relay: () => SimRelay | null;
  readonly owners: OwnerFiles;
  readonly violation: (text: string) => void;
}

/** PMS's child: brings its job to the relay, and ends once, with one word. */
export class SimHook {
  readonly spec: JobSpec;
  readonly #options: SimHookOptions;
  /** `exit 0`, `local`, `gone` (PMS killed it), or null while it waits. */
  verdict: string | null = null;
  signalled: EndSignal | null = null;
  #relay: SimRelay | null = null;
  #job: HeldJob | null = null;
  /** Bytes by the attempt that wrote them. */
  readonly output = new Map<number, number>();
  stdout = 0;
  #written = 0;
  #cursor: string | null = null;
  #accepted = false;
  /** The attempt whose stdout PMS has read. */
  #stdoutOf: number | null = null;
  #searchUntil: number;

  constructor(spec: JobSpec, options: SimHookOptions) {
    this.spec = spec;
    this.#options = options;
    this.#searchUntil = options.loop.now + 250;
    this.#connect();
  }

  /** PMS ends it with SIGKILL. */
  kill(): void {
    if (this.verdict !== null) return;
    this.verdict = 'gone';
    const [relay, job] = [this.#relay, this.#job];
    if (relay && job) this.#toRelay(relay, () => relay.jobs.hookClosed(job));
  }

  signal(signal: EndSignal): void {
    const [relay, job] = [this.#relay, this.#job];
    if (this.verdict !== null) return;
    this.signalled = signal;
    if (!relay || !job) this.#leave('exit 143');
    else this.#toRelay(relay, () => relay.jobs.signalled(job, { type: 'signal', signal }));
  }

  /** It brings its job once more on a new connection, and the old one ends when that has been heard. */
  again(): void {
    const [relay, job] = [this.#relay, this.#job];
    const { loop } = this.#options;
    if (!relay || !job || this.verdict !== null || this.signalled) return;
    this.relayDied(relay);
    loop.at(loop.now + LINE_MS, () => relay.process.run(() => relay.jobs.hookClosed(job)));
  }

  /** The relay it was connected to is gone. */
  relayDied(relay: SimRelay): void {
    if (this.#relay !== relay || this.verdict !== null) return;
    this.#relay = null;
    this.#job = null;
    if (this.signalled) this.#leave('exit 143');
    else {
      if (this.#accepted) this.#searchUntil = this.#options.loop.now + RECONNECT_FOR_MS;
      this.#connect();
    }
  }

  #connect(): void {
    const { loop, random, relay: find } = this.#options;
    if (this.verdict !== null) return;
    const relay = find();
    if (!relay) {
      if (loop.now > this.#searchUntil) this.#leave(this.#accepted || !this.spec.local ? 'exit 75' : 'local');
      else
        loop.at(loop.now + random.next() * (this.#accepted ? RECONNECT_EVERY_MS : 20), () => this.#connect());
      return;
    }
    let lastAt = 0;
    const hook = {
      send: (line: RelayLine): void => {
        lastAt = Math.max(lastAt, loop.now + random.next() * LINE_MS);
        loop.at(lastAt, () => {
          if (this.#job === job) this.#onLine(relay, line);
        });
      },
      close: (): void => undefined,
    };
    const before = this.#accepted ? { received: this.#written, cursor: this.#cursor, runsHere: false } : null;
    const job = new HeldJob(this.spec, hook, { scopes: [], credential: null, localArgv: null }, before, null);
    this.#relay = relay;
    this.#job = job;
    this.#toRelay(relay, () => relay.jobs.hold(job));
  }

  #onLine(relay: SimRelay, line: RelayLine): void {
    const { violation } = this.#options;
    const job = this.#job;
    if (this.verdict !== null) {
      if (this.verdict !== 'gone') violation(`${this.spec.jobId}: ${line.type} after ${this.verdict}`);
      return;
    }
    switch (line.type) {
      case 'accepted':
        this.#accepted = true;
        break;
      case 'output':
        if (line.offset !== this.#written)
          violation(`${this.spec.jobId}: output at ${line.offset}, not ${this.#written}`);
        this.#wrote(line);
        if (job)
          this.#toRelay(relay, () => relay.jobs.received(job, { type: 'received', offset: this.#written }));
        break;
      case 'exit':
        this.#end(`exit ${line.code}`);
        break;
      case 'local':
        this.#end(this.signalled ? 'exit 143' : 'local');
        break;
    }
  }

  #wrote({ data, cursor, stream }: Extract<RelayLine, { type: 'output' }>): void {
    const bytes = Buffer.byteLength(data, 'base64');
    const attempt = Number(cursor.split(' ')[0]);
    if (this.#stdoutOf !== null && this.#stdoutOf !== attempt)
      this.#options.violation(`${this.spec.jobId}: output of attempt ${attempt} after stdout of another`);
    if (stream === 'stdout') {
      this.#stdoutOf = attempt;
      this.stdout += bytes;
    }
    this.#written += bytes;
    this.#cursor = cursor;
    this.output.set(attempt, (this.output.get(attempt) ?? 0) + bytes);
  }

  /** Without a relay. */
  #leave(verdict: string): void {
    if (this.#accepted) this.#options.owners.set(this.spec.jobId, Number.MAX_SAFE_INTEGER);
    this.#end(verdict);
  }

  #end(verdict: string): void {
    const { owners, violation } = this.#options;
    const { jobId, local } = this.spec;
    this.verdict = verdict;
    if (verdict !== 'local') return;
    if (!local) violation(`${jobId} may not run locally, and does`);
    // A local run takes the owner file first: an attempt that is cut off ends when it reads that.
    owners.set(jobId, Number.MAX_SAFE_INTEGER);
  }

  #toRelay(relay: SimRelay, call: () => void): void {
    const { loop, random } = this.#options;
    loop.at(loop.now + random.next() * LINE_MS, () => relay.process.run(call));
  }
}
