import type { WebSocket } from 'ws';
import type { JobSpec } from '#shared/job.ts';
import { encodeMessage } from '#shared/protocol/codec.ts';
import type { Message } from '#shared/protocol/messages.ts';
import { machineTime } from './clock.ts';
import { dialMany } from './peer.ts';
import type { RelaysPlan, RelaysReport } from './plan.ts';

const HEARTBEAT_MS = 3_000;
/** Jobs per second, beyond which two arrivals are closer than timers are exact. */
const BUSY_RATE = 200;

/** Relays that submit jobs as planned, and look at when they end. */
export class Relays {
  readonly #plan: RelaysPlan;
  readonly #padding: string;
  readonly #counted: [jobId: string, at: number][] = [];
  readonly #ended: number[] = [];
  readonly #byWorker: Record<string, number> = {};
  /** When each job that is under way was due, and who submitted it. */
  readonly #due = new Map<string, { at: number; socket: WebSocket; counted: boolean; running: boolean }>();
  #sockets: WebSocket[] = [];
  #submitted = 0;
  #done = 0;
  #firstAt = 0;
  #finish: () => void = () => undefined;

  constructor(plan: RelaysPlan) {
    this.#plan = plan;
    this.#padding = 'x'.repeat(Math.max(0, plan.jobBytes - 450));
  }

  async open(): Promise<void> {
    const { count, url, bare } = this.#plan;
    this.#sockets = await dialMany(count, url, 'relay', (socket, index) => {
      socket.on('message', (data) => this.#on(JSON.parse(String(data))));
      if (bare) return;
      const name = `relay${index}`;
      this.#send(socket, { type: 'hello', version: 'bench', name, instance: name, serial: 0, jobs: [] });
      setInterval(() => socket.ping(), HEARTBEAT_MS);
    });
  }

  async run(): Promise<RelaysReport> {
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    const { arrivals } = this.#plan;
    if (arrivals.kind === 'closed') {
      for (let turn = 0; turn < arrivals.inFlight; turn += 1) {
        for (const socket of this.#sockets) this.#submit(socket, machineTime());
      }
    } else this.#arrive(arrivals.perSecond);
    await finished;
    const seconds = (machineTime() - this.#firstAt) / 1_000;
    return { due: this.#counted, ended: this.#ended, seconds, byWorker: this.#byWorker };
  }

  get #total(): number {
    const { arrivals, warmUp } = this.#plan;
    if (arrivals.kind === 'closed') return warmUp + arrivals.jobs;
    return warmUp + Math.ceil(arrivals.perSecond * arrivals.seconds);
  }

  #arrive(perSecond: number): void {
    const start = machineTime();
    const due = (index: number): number => start + (index / perSecond) * 1_000;
    const next = (): void => {
      while (this.#submitted < this.#total && due(this.#submitted) <= machineTime()) {
        const socket = this.#sockets[this.#submitted % this.#sockets.length];
        if (socket) this.#submit(socket, due(this.#submitted));
      }
      if (this.#submitted >= this.#total) return;
      const wait = due(this.#submitted) - machineTime();
      // A timer is up to a millisecond late, which is more than what is measured. At high rates it counts against us: to
      // look at the clock without end would take a core from what is measured.
      if (wait > 2) setTimeout(next, wait - 1);
      else if (perSecond > BUSY_RATE) setTimeout(next, 1);
      else setImmediate(next);
    };
    next();
  }

  #submit(socket: WebSocket, at: number): void {
    if (this.#submitted >= this.#total) return;
    const counted = this.#submitted >= this.#plan.warmUp;
    if (counted && this.#firstAt === 0) this.#firstAt = machineTime();
    this.#submitted += 1;
    const jobId = `j${this.#submitted}`;
    this.#due.set(jobId, { at, socket, counted, running: false });
    if (counted) this.#counted.push([jobId, at]);
    const job: JobSpec = {
      ...{ jobId, session: jobId, jobClass: 'playback', title: 'film.mkv', local: false, cwd: '/transcode' },
      argv: [
        '-i',
        '/media/film.mkv',
        '-codec:0',
        'libx264',
        '-metadata',
        this.#padding,
        '-f',
        'dash',
        'dash',
      ],
      ...{ env: { X_PLEX_TOKEN: 'token' }, plexPass: false, changes: ['callback-address'] },
    };
    this.#send(socket, { type: 'submit', job, attempt: 0 });
  }

  #on(message: Message<'orchestratorToRelay'> | { jobId: string; phase: 'running' | 'ended' }): void {
    if ('phase' in message) this.#told(message.jobId, message.phase, null);
    else if (message.type === 'status') this.#told(message.jobId, message.state, message.worker);
  }

  #told(jobId: string, state: 'queued' | 'running' | 'ended', worker: string | null): void {
    const job = this.#due.get(jobId);
    if (!job || state === 'queued') return;
    if (!job.running) {
      job.running = true;
      if (job.counted && worker !== null) this.#byWorker[worker] = (this.#byWorker[worker] ?? 0) + 1;
    }
    if (state !== 'ended') return;
    this.#due.delete(jobId);
    this.#done += 1;
    if (job.counted) this.#ended.push(machineTime() - job.at);
    if (!this.#plan.bare) this.#send(job.socket, { type: 'release', jobId });
    if (this.#plan.arrivals.kind === 'closed') this.#submit(job.socket, machineTime());
    if (this.#done === this.#total) this.#finish();
  }

  #send(socket: WebSocket, message: Message<'relayToOrchestrator'>): void {
    socket.send(encodeMessage<'relayToOrchestrator'>(message));
  }
}
