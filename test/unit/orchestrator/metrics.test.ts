import { expect, test } from 'vitest';
import { type Gpu, NO_CAPABILITIES } from '#shared/capabilities.ts';
import type { Checkpoint } from '#shared/protocol/checkpoint.ts';
import { FirstSegments } from '../../../orchestrator/api/firstSegments.ts';
import type { Effect } from '../../../orchestrator/core/effects.ts';
import { OrchestratorMetrics } from '../../../orchestrator/metrics.ts';
import { ended, running, World } from '../core/world.ts';

test('a retry counts by its reason, and a first attempt does not', async () => {
  const world = World.settled();
  const metrics = new OrchestratorMetrics(world.cluster);
  const look = (): void => {
    for (const effect of world.effects) {
      if (effect.type === 'job-changed') metrics.observe(effect);
    }
  };
  const a = world.worker('a');
  world.submit(world.relay(), 'j');
  look();
  world.worker('b');
  world.report(a, [ended('j', { reason: 'refused', message: 'no mount' })]);
  look();
  const { text } = await metrics.exposition();
  const counted = text.split('\n').filter((line) => line.startsWith('clusterplex_retries_total'));
  expect(counted).toEqual(['clusterplex_retries_total{reason="refused"} 1']);
});

test('an attempt whose exit code 0 was not believed has a reason of its own', async () => {
  const world = World.settled();
  const metrics = new OrchestratorMetrics(world.cluster);
  const a = world.worker('a');
  world.submit(world.relay(), 'j');
  world.worker('b');
  world.report(a, [ended('j', { exitCode: 0, readError: 'I/O error' })]);
  for (const effect of world.advance(3_000)) {
    if (effect.type === 'job-changed') metrics.observe(effect);
  }
  const { text } = await metrics.exposition();
  expect(text).toContain('clusterplex_retries_total{reason="incomplete"} 1');
});

test('a GPU’s series are there as long as its worker is, and leave out what the card does not tell', async () => {
  const world = World.settled();
  const metrics = new OrchestratorMetrics(world.cluster);
  const gpu = {
    id: 'GPU-1',
    name: 'T4',
    utilisation: 7,
    encoder: null,
    memoryUsed: 1,
    memoryTotal: 2,
    sessions: 3,
  };
  const a = world.worker('a', { load: { cpu: 0, ops: 0, gpus: [gpu] } });
  const series = async (): Promise<string[]> => {
    const { text } = await metrics.exposition();
    return text.split('\n').filter((line) => line.startsWith('clusterplex_worker_gpu_'));
  };
  const labels = '{worker_name="a",gpu="GPU-1",gpu_name="T4"}';
  expect(await series()).toEqual([
    `clusterplex_worker_gpu_percent${labels} 7`,
    `clusterplex_worker_gpu_encoder_sessions${labels} 3`,
    `clusterplex_worker_gpu_memory_used_bytes${labels} 1`,
    `clusterplex_worker_gpu_memory_bytes${labels} 2`,
  ]);
  world.disconnect(a);
  expect(await series()).toEqual([]);
});

test('a card’s encoder sessions are told once for all workers on it, with the limit that it has or was found to have', async () => {
  const world = World.settled();
  const metrics = new OrchestratorMetrics(world.cluster);
  const hardware = { api: 'cuda', decoder: null, encoder: 'h264_nvenc' } as const;
  const decodes: Gpu = {
    ...{ id: 'GPU-2', api: 'cuda', name: 'H200', device: '1', driver: null, decoders: ['h264'] },
    ...{ encoders: [], filters: [], sessionLimit: 0 },
  };
  const encodes = { ...decodes, id: 'GPU-1', name: 'T4', encoders: [hardware.encoder], sessionLimit: null };
  const found = { slots: 10, capabilities: { ...NO_CAPABILITIES, gpus: [encodes, decodes] } };
  const a = world.worker('a', found);
  world.worker('b', found);
  const relay = world.relay();
  const argv = ['-i', 'a', '-codec:0', hardware.encoder, 'dash'];
  for (const id of ['1', '2', '3']) world.submit(relay, id, { argv });
  const series = async (): Promise<string[]> => {
    const { text } = await metrics.exposition();
    return text.split('\n').filter((line) => line.startsWith('clusterplex_card_'));
  };
  const labels = '{gpu="GPU-1",gpu_name="T4"}';
  expect(await series()).toEqual([`clusterplex_card_encoder_sessions${labels} 3`]);
  world.report(a, [
    { ...ended('1', { exitCode: 1, gpuFailure: 'sessions' }), hardware },
    { ...running('3'), hardware },
  ]);
  expect(await series()).toEqual([
    `clusterplex_card_encoder_sessions${labels} 2`,
    `clusterplex_card_encoder_sessions_limit${labels} 2`,
  ]);
});

/** What metrics say of what happens in a world. */
function watched() {
  const world = World.settled();
  const metrics = new OrchestratorMetrics(world.cluster);
  const firstSegments = new FirstSegments(metrics.firstSegment);
  const look = (effects: readonly Effect[] = world.effects): void => {
    for (const effect of effects) {
      if (effect.type !== 'job-changed' && effect.type !== 'worker-changed') continue;
      metrics.observe(effect);
      firstSegments.observe(effect);
    }
  };
  const told = async (name: string): Promise<string[]> => {
    const { text } = await metrics.exposition();
    return text.split('\n').filter((line) => line.startsWith(name));
  };
  return { world, look, told };
}

function checkpoint(announced: number, speed: number | null): Checkpoint {
  return {
    ...{ type: 'checkpoint', jobId: 'j', attempt: 1, progress: null, duration: null, readError: null },
    ...{ speed, announced, resume: null, obstacle: null },
  };
}

const HARDWARE = { api: 'cuda', decoder: null, encoder: 'h264_nvenc' } as const;

test('what a job waits for a worker counts each time, without what it ran before', async () => {
  const { world, look, told } = watched();
  const relay = world.relay();
  const a = world.worker('a');
  world.submit(relay, 'j');
  look();
  world.advance(1_000);
  world.worker('b', { ready: false });
  world.report(a, [ended('j', { reason: 'refused' })]);
  look();
  look(world.advance(4_000));
  world.worker('c');
  look();
  expect(await told('clusterplex_queue_wait_seconds_sum')).toEqual([
    'clusterplex_queue_wait_seconds_sum{class="playback"} 4',
  ]);
  expect(await told('clusterplex_queue_wait_seconds_count')).toEqual([
    'clusterplex_queue_wait_seconds_count{class="playback"} 2',
  ]);
});

test.each([
  ['gpu', HARDWARE],
  ['cpu', null],
])(
  'the first segment that PMS has of a job on a %s counts once, and its last speed',
  async (label, hardware) => {
    const { world, look, told } = watched();
    const relay = world.relay();
    const a = world.worker('a');
    world.submit(relay, 'j');
    look();
    world.report(a, [{ ...running('j'), hardware }]);
    look();
    for (const [announced, speed] of [
      [0, null],
      [1, 0.5],
      [2, 1.5],
    ] as const) {
      world.advance(700);
      const message = checkpoint(announced, speed);
      look(world.handle({ type: 'relay-message', connection: relay, message }));
    }
    const labels = `class="playback",hardware="${label}"`;
    const sumAndCount = async (name: string) => [
      ...(await told(`${name}_sum`)),
      ...(await told(`${name}_count`)),
    ];
    expect(await sumAndCount('clusterplex_first_segment_seconds')).toEqual([
      `clusterplex_first_segment_seconds_sum{${labels}} 1.4`,
      `clusterplex_first_segment_seconds_count{${labels}} 1`,
    ]);
    expect(await sumAndCount('clusterplex_job_speed')).toEqual([]);
    look(world.report(a, [{ ...ended('j', { reason: 'cancelled' }), hardware }]));
    expect(await sumAndCount('clusterplex_job_speed')).toEqual([
      `clusterplex_job_speed_sum{${labels}} 1.5`,
      `clusterplex_job_speed_count{${labels}} 1`,
    ]);
  },
);

test('a first segment of a job from before a restart says nothing of how long it took', async () => {
  const { world, look, told } = watched();
  world.worker('a', { attempts: [running('j')] });
  const relay = world.relay();
  world.submit(relay, 'j', {}, 1);
  look();
  const message = checkpoint(9, null);
  look(world.handle({ type: 'relay-message', connection: relay, message }));
  expect(await told('clusterplex_first_segment_seconds_count')).toEqual([]);
});

test('a job that goes back to where PMS is counts by its reason; one that may not run there does not', async () => {
  const { world, look, told } = watched();
  const relay = world.relay();
  world.submit(relay, 'j');
  look();
  world.submit(relay, 'k', { local: false });
  look();
  look(world.advance(10_000));
  const fallbacks = await told('clusterplex_fallbacks_total');
  expect(fallbacks.filter((line) => !line.endsWith(' 0'))).toEqual([
    'clusterplex_fallbacks_total{class="playback",reason="no-worker"} 1',
  ]);
  expect(await told('clusterplex_jobs_ended_total')).toEqual([
    'clusterplex_jobs_ended_total{class="playback",reason="no-worker"} 2',
  ]);
});

test('a worker that comes back counts, a process of the same name that is new does not, and one that left is gone', async () => {
  const { world, look, told } = watched();
  const come = (instance: string) => {
    const connection = world.worker('a', { instance });
    look();
    return connection;
  };
  const first = come('one');
  look(world.disconnect(first));
  come('one');
  const third = come('one');
  expect(await told('clusterplex_worker_reconnects_total')).toEqual([
    'clusterplex_worker_reconnects_total{worker_name="a"} 2',
  ]);
  look(world.disconnect(third));
  look(world.advance(2_000));
  come('two');
  expect(await told('clusterplex_worker_reconnects_total')).toEqual([]);
});

test('how late the process does what is due is seen', async () => {
  const { told } = watched();
  const name = 'clusterplex_orchestrator_event_loop_lag_seconds{percentile="100"}';
  expect(await told(name)).toEqual([`${name} 0`]);
  const lagAfterBlocking = async (): Promise<number> => {
    const until = performance.now() + 120;
    while (performance.now() < until);
    // What was due before this has its turn first.
    await new Promise((resolve) => setTimeout(resolve));
    const [line = ''] = await told(name);
    return Number(line.slice(name.length));
  };
  await expect.poll(lagAfterBlocking).toBeGreaterThan(0.08);
});
