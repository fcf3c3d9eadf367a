import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { type Clock, systemClock } from '#shared/clock.ts';
import { readSettings } from '#shared/settings/read.ts';
import { traceSettings } from '#shared/tracing/settings.ts';
import { startTracing, type Tracing } from '#shared/tracing/tracing.ts';
import { Collector } from '../support/collector.ts';
import { HookClient } from '../support/hookClient.ts';
import { Part, sourceOf } from '../support/part.ts';

const REPORT_IMPORTS = `--import=${new URL('../support/reportImports.ts', import.meta.url)}`;
const eventually = (check: () => void) => vi.waitFor(check, 20_000);
const JOB = '0b5a2f1e-8d3c-4f6a-9c21-5e7d0a1b2c3d';
const ROOT = '00-0b5a2f1e8d3c4f6a9c215e7d0a1b2c3d-9c215e7d0a1b2c3d-01';

describe('with a collector', () => {
  let collector: Collector;
  let logged: { level: number; msg: string; problem?: string }[];

  beforeEach(async () => {
    collector = await Collector.listen();
    logged = [];
  });
  afterEach(() => collector.close());

  async function tracing(env: Record<string, string> = {}, clock: Clock = systemClock): Promise<Tracing> {
    const all = {
      ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.address, OTEL_BSP_SCHEDULE_DELAY: '1' },
      ...env,
    };
    const settings = readSettings(traceSettings, all, () => '');
    const logger = pino({}, { write: (line: string) => logged.push(JSON.parse(line)) });
    const started = await startTracing({ settings, part: 'relay', clock, logger });
    if (!started) throw new Error('no traces');
    return started;
  }

  const warnings = () => logged.filter(({ level }) => level >= 40);

  test('the id of a trace is that of its job, also for the relay after this one', async () => {
    const relay = await tracing();
    expect(relay.begin(JOB, null)?.traceparent).toBe(ROOT);
    const next = await tracing({ OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=a%20b' });
    const startedAt = Date.now() - 5_000;
    next.begin(JOB, startedAt)?.end(null);
    next.span('submit', ROOT).end('unanswered');
    await next.stop();
    expect(collector.requests[0]).toMatchObject({ url: '/v1/traces', 'x-api-key': 'a b' });
    expect(collector.named('job')).toMatchObject([{ spanId: ROOT.split('-')[2], start: startedAt }]);
    expect(collector.named('submit')).toMatchObject([{ parentSpanId: ROOT.split('-')[2], isFailed: true }]);
    expect(collector.named('submit')[0]?.spanId).not.toBe(ROOT.split('-')[2]);
    await relay.stop();
  });

  test('a job whose id is no UUID, or that the sampler leaves out, has no trace', async () => {
    expect((await tracing()).begin('j', null)).toBeNull();
    expect((await tracing({ OTEL_TRACES_SAMPLER: 'always_off' })).begin(JOB, null)).toBeNull();
    const some = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' };
    expect((await tracing(some)).begin(JOB, null)).toBeNull();
  });

  test('one that refuses traces is one warning until it takes them again, and keeps no process', async () => {
    collector.status = 400;
    const relay = await tracing();
    for (const count of [1, 2, 3]) {
      relay.begin(JOB, null)?.end(null);
      await eventually(() => expect(collector.requests).toHaveLength(count));
      await eventually(() => expect(warnings()).toHaveLength(1));
    }
    collector.status = 200;
    relay.begin(JOB, null)?.end(null);
    await eventually(() => expect(logged.at(-1)?.msg).toBe('the collector takes traces again'));
    expect(collector.named('job')).toHaveLength(1);
    await relay.stop();
  });

  test('one that nobody reaches is a warning that says why, and the end does not wait for it', async () => {
    const closed = await Collector.listen();
    await closed.close();
    const { clock, waits } = recordingClock();
    // No second try, which would come a second later.
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: closed.address, OTEL_EXPORTER_OTLP_TIMEOUT: '200' };
    const relay = await tracing(env, clock);
    relay.begin(JOB, null)?.end(null);
    await eventually(() => expect(warnings()).toHaveLength(1));
    expect(warnings()[0]?.problem).toContain('ECONNREFUSED');
    relay.begin(JOB, null)?.end(null);
    await relay.stop();
    expect(waits).toEqual([]);
    expect(warnings()).toHaveLength(1);
  });

  test('one that hangs keeps the end of the process for a moment', async () => {
    collector.hangs = true;
    const { clock, waits } = recordingClock();
    const relay = await tracing({ OTEL_EXPORTER_OTLP_TIMEOUT: '60000' }, clock);
    relay.begin(JOB, null)?.end(null);
    await relay.stop();
    expect(waits).toEqual([2_000]);
  });
});

/** The end of a wait comes sooner with it, and how long it was to be is known. */
function recordingClock(): { clock: Clock; waits: number[] } {
  const waits: number[] = [];
  const after: Clock['after'] = (ms, call) => {
    waits.push(ms);
    return systemClock.after(10, call);
  };
  return { clock: { ...systemClock, after }, waits };
}

test('without an endpoint no part loads OpenTelemetry, and nothing of it is sent', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tracing-'));
  const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  const submitted = new Promise<object>((resolve) => {
    sockets.on('connection', (peer) => {
      peer.on('message', (data) => {
        const message = JSON.parse(String(data));
        const welcome = { type: 'welcome', orchestrator: 'o', term: 0, heartbeatMs: 1_000 };
        if (message.type === 'hello') peer.send(JSON.stringify(welcome));
        if (message.type === 'submit') resolve(message.job);
      });
    });
  });
  await once(sockets, 'listening');
  const common = { NODE_OPTIONS: REPORT_IMPORTS, LISTENING_PORT: '0', OTEL_SERVICE_NAME: 'x' };
  const socket = join(directory, 'relay.sock');
  const url = `http://127.0.0.1:${Object(sockets.address()).port}`;
  const relay = new Part(sourceOf('pms/relay.ts'), {
    ...{ ...common, ORCHESTRATOR_URL: url, RELAY_SOCKET: socket, LOCAL_RELAY_PORT: '0' },
  });
  const parts = [
    relay,
    new Part(sourceOf('orchestrator/main.ts'), common),
    new Part(sourceOf('worker/main.ts'), { ...common, MOUNTS: `${directory}:rw`, CODECS: 'off' }),
  ];
  const traced = new Part(sourceOf('worker/main.ts'), {
    ...{ ...common, MOUNTS: `${directory}:rw`, CODECS: 'off', OTEL_EXPORTER_OTLP_ENDPOINT: url },
  });
  await Promise.all([traced, ...parts].map((part) => part.listening()));
  // Or the others would be said to load nothing by what sees nothing.
  expect(traced.lines('loads OpenTelemetry').length).toBeGreaterThan(0);
  const hook = new HookClient(socket, { argv: ['-y'], cwd: '/' });
  expect(await submitted).toMatchObject({ jobId: hook.jobId });
  expect(await submitted).not.toHaveProperty('traceparent');
  hook.die();
  await Promise.all([traced, ...parts].map((part) => part.stop()));
  expect(parts.flatMap((part) => part.lines('loads OpenTelemetry'))).toEqual([]);
  sockets.close();
  rmSync(directory, { recursive: true });
});
