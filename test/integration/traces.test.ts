import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { Collector } from '../support/collector.ts';
import { installRecordingTranscoder, type RecordingTranscoder } from '../support/recordingTranscoder.ts';

const directory = mkdtempSync(join(tmpdir(), 'traces-'));
const places = { stays: join(directory, 'stays'), ends: join(directory, 'ends') };
const SECRETS = ['secret-of-plex', 'secret-of-ours', 'secret-of-the-collector'];
const [PLEX_TOKEN = '', TOKEN = '', COLLECTOR_TOKEN = ''] = SECRETS;
let stays: RecordingTranscoder;
let collector: Collector;
let cluster: Cluster;

beforeAll(async () => {
  for (const place of Object.values(places)) mkdirSync(place);
  stays = await installRecordingTranscoder(places.stays);
  await installRecordingTranscoder(places.ends);
  collector = await Collector.listen();
  cluster = await Cluster.start({
    workers: ['w1'],
    transcoderDirectory: places.stays,
    token: TOKEN,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.address,
      OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${COLLECTOR_TOKEN}`,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    },
  });
  // Not before: the worker has tried it.
  await stays.behave([{ log: 'here I am' }, { block: true }]);
});

afterAll(async () => {
  await stays.endAll();
  await collector.close();
  rmSync(directory, { recursive: true });
});

test('a job that its worker gives back is one trace, of all parts and both attempts', async () => {
  const startedAt = Date.now();
  const progress = `http://127.0.0.1:32400/video/:/transcode/session/s/p?X-Plex-Token=${PLEX_TOKEN}`;
  const argv = ['-i', 'film.mkv', '-progressurl', progress];
  const hook = cluster.startHook(argv, { env: { X_PLEX_TOKEN: PLEX_TOKEN } });
  await hook.spoke;
  await cluster.startWorker('w2', { TRANSCODER_PATH: places.ends });
  await cluster.workers.get('w1')?.stop();
  expect((await hook.exited).code).toBe(0);
  const endedAt = Date.now();
  const [job] = Object(await cluster.api('/api/v1/jobs'));
  const logs = cluster.logs();
  await cluster.stop();

  const { spans } = collector;
  expect(spans.map(({ name }) => name).toSorted()).toEqual([
    ...['attempt', 'attempt', 'job', 'queue', 'queue', 'submit'],
  ]);
  const [root] = collector.named('job');
  expect(root).toMatchObject({
    traceId: job.jobId.replaceAll('-', ''),
    service: 'clusterplex-relay',
    isFailed: false,
    attributes: {
      'clusterplex.job.id': job.jobId,
      'clusterplex.job.title': job.title,
      'clusterplex.outcome': 'exited',
      'process.exit.code': 0,
    },
  });
  expect(root?.parentSpanId).toBeUndefined();
  // From the start of the hook's process, which takes a moment to reach the relay.
  const [submit] = collector.named('submit');
  expect(submit?.isFailed).toBe(false);
  expect(root?.start).toBeGreaterThanOrEqual(startedAt - 1);
  expect((submit?.start ?? 0) - (root?.start ?? 0)).toBeGreaterThan(5);
  expect(root?.end).toBeLessThanOrEqual(endedAt + 1);
  for (const span of spans.filter((other) => other !== root)) {
    expect(span).toMatchObject({ traceId: root?.traceId, parentSpanId: root?.spanId });
    expect(span.attributes['clusterplex.job.id']).toBe(job.jobId);
  }

  expect(collector.named('queue')).toMatchObject([
    { service: 'clusterplex-orchestrator', attributes: { 'clusterplex.worker': 'w1' } },
    { attributes: { 'clusterplex.worker': 'w2', 'clusterplex.attempt': 2, 'clusterplex.retry': 'lost' } },
  ]);
  expect(collector.named('attempt')).toMatchObject([
    {
      ...{ service: 'clusterplex-worker', events: ['started'], isFailed: true },
      attributes: { 'clusterplex.worker': 'w1', 'clusterplex.attempt': 1, 'clusterplex.outcome': 'lost' },
    },
    {
      ...{ events: ['started'], isFailed: false },
      attributes: {
        ...{ 'clusterplex.worker': 'w2', 'clusterplex.attempt': 2, 'clusterplex.outcome': 'exited' },
        ...{ 'clusterplex.hardware': 'none', 'process.exit.code': 0 },
      },
    },
  ]);

  expect(collector.requests.every((headers) => headers['x-api-key'] === COLLECTOR_TOKEN)).toBe(true);
  for (const secret of SECRETS) {
    expect(JSON.stringify(spans)).not.toContain(secret);
    expect(logs).not.toContain(secret);
  }
});
