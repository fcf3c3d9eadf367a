import type {
  JobView,
  ScaleGroupView,
  ScaleView,
  TimelinesView,
  WorkerSummary,
} from '#shared/api/schemas.ts';

/** What a large cluster's API tells, without the cluster. */
export function busyCluster(workerCount: number, jobCount: number) {
  const start = Date.parse('2026-01-01T00:00:00Z');
  const live = workerCount;
  const workers = Array.from({ length: workerCount }, (_, index) => worker(index));
  const jobs = Array.from({ length: jobCount }, (_, index) => job(index, index < live, start));
  const sums = {
    ...{ minimum: 0, maximum: workerCount, desired: workerCount, current: workerCount, deviation: 0 },
    ...{ bursts: [], desiredWorkers: workerCount },
  };
  const group: ScaleGroupView = {
    ...{ ...sums, name: 'default', scalable: false, ready: workerCount, draining: 0 },
    ...{ reason: 'running', setBy: null, problem: null },
  };
  const scale: ScaleView = { ...sums, groups: [group], problem: null };
  return { workers, jobs, scale };
}

function worker(index: number): WorkerSummary {
  return {
    name: `worker-${index}`,
    state: index % 100 === 0 ? 'not-ready' : 'ready',
    version: '0.1.0',
    node: index % 20 === 1 ? `talos-gpu-node-${index >> 2}.rack.example.net` : `node-${index >> 2}`,
    connectedAt: '2026-01-01T00:00:00.000Z',
    slots: 4,
    running: 1,
    group: 'default',
    leaving: false,
    jobs: [`job-${index}`],
    storage: [{ path: '/transcode', mode: 'rw', problem: index % 100 === 0 ? '/transcode hangs' : null }],
    checks: [{ name: 'storage', ok: index % 100 !== 0, message: '/transcode hangs', blocking: true }],
    load: { cpu: index % 100, ops: 0, gpus: [gpu(index)] },
  };
}

function gpu(index: number) {
  const [memoryUsed, memoryTotal] = [2 ** 31, 2 ** 33];
  const name = 'NVIDIA GeForce RTX 3080';
  return {
    id: `GPU-${index}`,
    name,
    utilisation: index % 100,
    encoder: 50,
    memoryUsed,
    memoryTotal,
    sessions: 3,
  };
}

function job(index: number, isLive: boolean, start: number): JobView {
  const at = (minutes: number): string => new Date(start + minutes * 60_000).toISOString();
  const isQueued = isLive && index % 5 === 0;
  return {
    jobId: `job-${index}`,
    session: `0kfi2ls0vx8t1yaz6mqp3wrn${index}`,
    class: index % 3 === 0 ? 'background' : 'playback',
    title:
      index % 20 === 2
        ? `A.Film.of.Some.Length.2026.2160p.BluRay.REMUX.HEVC.TrueHD.7.1.Atmos-number ${index}.mkv`
        : `A film of some length, number ${index} (2026) - 2160p.mkv`,
    state: isQueued ? 'queued' : isLive ? 'running' : 'ended',
    attempt: isQueued ? 0 : 1,
    worker: isQueued ? null : `worker-${index % 1000}`,
    submittedAt: at(index),
    startedAt: isQueued ? null : at(index),
    endedAt: isLive ? null : at(index + 90),
    reason: isQueued ? 'all slots are taken' : null,
    outcome: isLive
      ? null
      : {
          ...{
            reason: 'exited',
            exitCode: index % 50 === 0 ? 1 : 0,
            signal: null,
            forced: false,
            message: null,
          },
          ...{ stdoutBytes: 0, stderrBytes: 0, readError: null },
        },
    progress: isQueued ? null : index % 100,
    speed: 2,
    announced: 7,
    ranOnPms: false,
    firstSegmentMs: 800,
    hardware: { api: 'cuda', decoder: 'hevc', encoder: 'h264_nvenc' },
    changes: ['callback-address', 'hardware-adapted', 'loglevel'],
  };
}

/** Six hours of it. */
export function busyTimelines(): TimelinesView {
  const samples = 2160;
  const now = Math.round(Date.now() / 1000);
  const line = (value: (index: number) => number): number[] =>
    Array.from({ length: samples }, (_, index) => value(index));
  const wave = (index: number, period: number): number => 1 + Math.sin((index / period) * Math.PI);
  return {
    at: line((index) => now - (samples - index) * 10),
    running: line((index) => Math.round(20 * wave(index, 700))),
    queued: line((index) => Math.max(0, Math.round(20 * wave(index, 700)) - 36)),
    workers: line((index) => (index < 1500 ? 10 : 8)),
    slots: line((index) => (index < 1500 ? 40 : 32)),
    speed: line((index) => 6 - wave(index, 700) - 0.3 * wave(index, 40)),
    firstSegmentMs: line((index) => 600 + 400 * wave(index, 90)),
    cpu: line((index) => 10 + 9 * wave(index, 300)),
    gpu: line((index) => 40 * wave(index, 700)),
  };
}
