/** What a process that makes load is told by the one that measures: one message down, `ready`, then `go`, then a report. */
export type Arrivals =
  /** Each relay keeps so many jobs under way: the system sets the pace. */
  | { readonly kind: 'closed'; readonly inFlight: number; readonly jobs: number }
  /** They come when they come, evenly spread: a job that had to wait to be sent counts from when it was due. */
  | { readonly kind: 'open'; readonly perSecond: number; readonly seconds: number };

export interface RelaysPlan {
  readonly role: 'relays';
  readonly url: string;
  /** The reference speaks no protocol but asks and answers. */
  readonly bare: boolean;
  readonly count: number;
  /** About that many bytes of JSON a job. */
  readonly jobBytes: number;
  readonly arrivals: Arrivals;
  /** Jobs at the beginning that are not counted. */
  readonly warmUp: number;
}

export interface WorkersPlan {
  readonly role: 'workers';
  readonly url: string;
  readonly bare: boolean;
  readonly count: number;
  readonly slots: number;
  /** How often each says how it is when nothing happens. */
  readonly reportMs: number;
}

export type LoadPlan = RelaysPlan | WorkersPlan;

/** What a process saw, by the machine's monotonic clock, in milliseconds: the same for all processes. */
export interface RelaysReport {
  /** When each counted job was due, by its id. */
  readonly due: readonly (readonly [jobId: string, at: number])[];
  /** Milliseconds from the request to its end, as the relay sees them. */
  readonly ended: readonly number[];
  /** How long the counted ones took altogether. */
  readonly seconds: number;
  /** How many jobs each worker had, by its name. */
  readonly byWorker: Readonly<Record<string, number>>;
}

export interface WorkersReport {
  /** When a worker was told of each job. */
  readonly starts: readonly (readonly [jobId: string, at: number])[];
}

/** Milliseconds from each request at a relay to its start at a worker. */
export function startTimes({ due }: RelaysReport, { starts }: WorkersReport): number[] {
  const at = new Map(starts);
  return due.map(([jobId, from]) => (at.get(jobId) ?? Number.NaN) - from);
}
