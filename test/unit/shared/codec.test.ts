import { describe, expect, test } from 'vitest';
import { NO_CAPABILITIES } from '#shared/capabilities.ts';
import { CLOSE, retryAfterClose } from '#shared/protocol/closeCodes.ts';
import { messageReader } from '#shared/protocol/codec.ts';
import { type Direction, MESSAGES } from '#shared/protocol/messages.ts';

const outcome = {
  ...{ reason: 'exited', exitCode: 0, signal: null, forced: false, message: null },
  ...{ stdoutBytes: 3, stderrBytes: 0, readError: null },
};
const state = {
  revision: 0,
  ready: true,
  draining: false,
  load: { cpu: 12.5, ops: 1e6 },
  attempts: [
    { jobId: 'j', attempt: 1, phase: 'running', changes: [], hardware: null, outcome: null },
    {
      ...{ jobId: 'k', attempt: 2, phase: 'ended', outcome: { ...outcome, exitCode: 1, gpuFailure: 'lost' } },
      hardware: { api: 'cuda', decoder: null, encoder: 'h264_nvenc' },
      changes: [{ name: 'hardware-adapted', detail: 'to software' }],
    },
  ],
};
const gpu = {
  ...{ id: 'GPU-1', api: 'vaapi', name: 'Intel', device: '/dev/dri/renderD128', driver: 'iHD' },
  ...{ decoders: ['hevc'], encoders: ['h264_vaapi'], filters: [], sessionLimit: null },
};
const gpuLoad = {
  ...{ id: 'GPU-1', name: 'Intel', utilisation: 3, encoder: null },
  ...{ memoryUsed: 1, memoryTotal: null, sessions: 2 },
};
const splice = { at: 0, remove: 1, insert: ['-y', { base64: '/w==' }] };
const job = {
  ...{ jobId: 'j', session: null, jobClass: 'playback', title: 'film.mkv', local: true },
  argv: ['-i', { base64: '/w==' }],
  env: { TZ: 'UTC', ODD: { base64: '/w==' } },
  cwd: '/transcode',
  plexPass: true,
  changes: ['callback-address'],
  traceparent: '00-0b5a2f1e8d3c4f6a9c215e7d0a1b2c3d-9c215e7d0a1b2c3d-01',
};
const output = { type: 'output', jobId: 'j', attempt: 1, offset: 0, stream: 'stderr', data: 'AA==' };
const resume = { segment: 3, seconds: 6.5 };
const received = { type: 'received', jobId: 'j', attempt: 1, offset: 7, again: false };
const welcome = { type: 'welcome', orchestrator: 'o', term: 0, heartbeatMs: 3333 };

const proof = 'pms-00000000-0000-4000-8000-000000000000.7';
const fingerprints = { fingerprint: ['0123456789ab'], folders: null };
const shared = { path: '/transcode', mode: 'rw', purpose: 'transcode', proof, ...fingerprints };

const EXAMPLES: Record<Direction, Record<string, object>> = {
  workerToOrchestrator: {
    record: { type: 'record', jobId: 'j', attempt: 1, splices: [splice], stderr: 'aGk=' },
    hello: {
      type: 'hello',
      version: '1',
      ...{ name: 'w', instance: 'i', node: 'n' },
      slots: 1,
      capabilities: { ...NO_CAPABILITIES, decoders: ['hevc'] },
      storage: [{ path: '/transcode', mode: 'rw', problem: null }],
      state,
    },
    state: {
      ...{ type: 'state', ...state, slots: 8 },
      load: { cpu: 1, ops: 0, gpus: [gpuLoad] },
      capabilities: { ...NO_CAPABILITIES, gpus: [gpu] },
    },
    output,
  },
  orchestratorToWorker: {
    welcome,
    contract: { type: 'contract', mounts: [{ ...shared, seen: null }] },
    job: { type: 'job', job, resume, software: false, encoder: 'libx264', gpu: null },
    desired: {
      type: 'desired',
      ...{ term: 0, revision: 1 },
      attempts: [{ jobId: 'j', attempt: 1, end: 'SIGTERM', handBack: false }],
    },
    received,
  },
  relayToOrchestrator: {
    hello: { type: 'hello', version: '1', name: 'r', instance: 'i', serial: 0, jobs: ['j'] },
    submit: { type: 'submit', job, attempt: 0, given: [splice] },
    end: { type: 'end', jobId: 'j', signal: 'SIGINT' },
    release: { type: 'release', jobId: 'j' },
    waiting: { type: 'waiting', jobId: 'j', attempt: 1, waiting: true },
    checkpoint: {
      type: 'checkpoint',
      jobId: 'j',
      attempt: 1,
      progress: 1.5,
      speed: null,
      announced: 3,
      resume: null,
      obstacle: null,
      duration: 60,
      readError: null,
    },
    storage: { type: 'storage', mounts: [{ ...shared, seen: [proof.replace('pms', 'worker')] }] },
    received,
  },
  orchestratorToRelay: {
    welcome,
    status: { type: 'status', term: 0, jobId: 'j', state: 'ended', attempt: 1, worker: null, outcome },
    output,
  },
};

function problem(direction: Direction, message: unknown): string {
  const result = messageReader(direction).read(JSON.stringify(message));
  return 'problem' in result ? result.problem : '';
}

type Path = readonly (string | number)[];

/** Every object in the value, by its path. */
function objectsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.entries(value).flatMap(([key, child]) => {
    return objectsIn(child, [...path, Array.isArray(value) ? Number(key) : key]);
  });
  return Array.isArray(value) ? inside : [path, ...inside];
}

/** A copy in which the object at the path was changed. */
function changed(value: unknown, path: Path, change: (object: Record<string, unknown>) => object): unknown {
  const [key, ...rest] = path;
  if (typeof value !== 'object' || value === null) throw new Error('the path leads nowhere');
  if (key === undefined) return change({ ...value });
  if (Array.isArray(value)) {
    return value.map((child: unknown, index) => (index === key ? changed(child, rest, change) : child));
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [name, name === key ? changed(child, rest, change) : child]),
  );
}

function fieldsAt(value: unknown, path: Path): string[] {
  let fields: string[] = [];
  changed(value, path, (object) => {
    fields = Object.keys(object);
    return object;
  });
  return fields;
}

const directions: Direction[] = [
  'workerToOrchestrator',
  'orchestratorToWorker',
  'relayToOrchestrator',
  'orchestratorToRelay',
];
const cases = directions.flatMap((direction) => {
  return Object.keys(MESSAGES[direction]).map((type): [Direction, string] => [direction, type]);
});

/** They are absent where they don't apply, where nothing changed, or in what an older peer says. */
const OPTIONAL = new Set([
  ...['record/splices', 'record/stderr', 'submit/given'],
  'hello/node',
  'state/slots',
  'state/capabilities',
  'state/load/gpus',
  'state/attempts/1/outcome/gpuFailure',
  'hello/state/attempts/1/outcome/gpuFailure',
  'job/job/traceparent',
  'submit/job/traceparent',
]);

describe.each(cases)('%s %s', (direction, type) => {
  const example = EXAMPLES[direction][type] ?? {};

  test('is read as it was written', () => {
    expect(messageReader(direction).read(JSON.stringify(example))).toEqual({ message: example });
  });

  test('is refused with an unknown field, wherever it stands, which the problem names', () => {
    for (const path of objectsIn(example)) {
      // The environment's names are free.
      if (path.at(-1) === 'env') continue;
      const stranger = changed(example, path, (object) => ({ ...object, stranger: 1 }));
      const found = problem(direction, stranger);
      expect(found).toContain(`${type}: `);
      expect(found).toContain(['', ...path, 'stranger'].join('/'));
    }
  });

  test('is refused without any of its fields, and the problem names the field and its place', () => {
    for (const path of objectsIn(example)) {
      if (path.at(-1) === 'env' || path.at(-2) === 'env' || ['argv', 'insert'].includes(String(path.at(-2))))
        continue;
      for (const field of fieldsAt(example, path)) {
        if (path.length === 0 && field === 'type') continue;
        const without = changed(example, path, ({ [field]: _, ...rest }) => rest);
        const found = problem(direction, without);
        if (OPTIONAL.has([type, ...path, field].join('/'))) {
          expect(found).toBe('');
          continue;
        }
        expect(found).toContain(field);
        expect(found).toContain(path.length === 0 ? '(whole)' : `/${path.join('/')}`);
      }
    }
  });
});

test('a message of another direction, of no type or of an inherited name is none', () => {
  const reader = messageReader('workerToOrchestrator');
  for (const type of ['submit', 'welcome', '__proto__', 'constructor', '', 7, null]) {
    expect(reader.read(JSON.stringify({ type }))).toEqual({
      problem: expect.stringContaining('no such message'),
    });
  }
  for (const text of ['null', '[]', '"hello"', '7']) {
    expect(reader.read(text)).toEqual({ problem: 'no such message: undefined' });
  }
});

test('what is not JSON is refused, without repeating more than a few words of it', () => {
  const result = messageReader('relayToOrchestrator').read(`{${'x'.repeat(5_000)}`);
  const text = 'problem' in result ? result.problem : '';
  expect(text).toMatch(/^not JSON: /);
  expect(text.length).toBeLessThan(100);
});

test.each<[string, Direction, string, Path, object]>([
  ['a name over 256', 'workerToOrchestrator', 'hello', [], { name: 'x'.repeat(257) }],
  ['an empty name', 'workerToOrchestrator', 'hello', [], { name: '' }],
  ['a version over 64', 'relayToOrchestrator', 'hello', [], { version: 'x'.repeat(65) }],
  ['no slots', 'workerToOrchestrator', 'hello', [], { slots: 0 }],
  ['too many slots', 'workerToOrchestrator', 'hello', [], { slots: 10_001 }],
  [
    'an encoder name over 64',
    'workerToOrchestrator',
    'hello',
    ['capabilities'],
    { encoders: ['x'.repeat(257)] },
  ],
  ['a path over 4096', 'workerToOrchestrator', 'hello', ['storage', 0], { path: 'x'.repeat(4_097) }],
  ['a problem over 1024', 'workerToOrchestrator', 'hello', ['storage', 0], { problem: 'x'.repeat(1_025) }],
  ['CPU over 100', 'workerToOrchestrator', 'hello', ['state', 'load'], { cpu: 100.1 }],
  ['a negative CPU', 'workerToOrchestrator', 'hello', ['state', 'load'], { cpu: -1 }],
  ['too many slots later', 'workerToOrchestrator', 'state', [], { slots: 10_001 }],
  ['another API', 'workerToOrchestrator', 'state', ['capabilities', 'gpus', 0], { api: 'metal' }],
  ['a negative limit', 'workerToOrchestrator', 'state', ['capabilities', 'gpus', 0], { sessionLimit: -1 }],
  ['a GPU over 100 %', 'workerToOrchestrator', 'state', ['load', 'gpus', 0], { utilisation: 101 }],
  [
    'another failure of a GPU',
    'workerToOrchestrator',
    'state',
    ['attempts', 1, 'outcome'],
    { gpuFailure: 'hot' },
  ],
  ['attempt 0', 'workerToOrchestrator', 'output', [], { attempt: 0 }],
  ['a negative offset', 'workerToOrchestrator', 'output', [], { offset: -1 }],
  ['a broken offset', 'workerToOrchestrator', 'output', [], { offset: 1.5 }],
  ['another stream', 'workerToOrchestrator', 'output', [], { stream: 'stdin' }],
  ['output over 64 KiB', 'workerToOrchestrator', 'output', [], { data: 'A'.repeat(87_385) }],
  ['an exit code over 255', 'workerToOrchestrator', 'state', ['attempts', 1, 'outcome'], { exitCode: 256 }],
  [
    'a signal over 16',
    'workerToOrchestrator',
    'state',
    ['attempts', 1, 'outcome'],
    { signal: 'x'.repeat(17) },
  ],
  [
    'an outcome message over 8192',
    'workerToOrchestrator',
    'state',
    ['attempts', 1, 'outcome'],
    { message: 'x'.repeat(8_193) },
  ],
  ['SIGKILL, which nothing can pass on', 'relayToOrchestrator', 'end', [], { signal: 'SIGKILL' }],
  ['an empty argv', 'relayToOrchestrator', 'submit', ['job'], { argv: [] }],
  ['a number in argv', 'relayToOrchestrator', 'submit', ['job'], { argv: [1] }],
  ['a job id over 256', 'relayToOrchestrator', 'submit', ['job'], { jobId: 'x'.repeat(257) }],
  ['a session over 1024', 'relayToOrchestrator', 'submit', ['job'], { session: 'x'.repeat(1_025) }],
  ['a title over 4096', 'relayToOrchestrator', 'submit', ['job'], { title: 'x'.repeat(4_097) }],
  ['another class', 'relayToOrchestrator', 'submit', ['job'], { jobClass: 'urgent' }],
  ['a heartbeat of 0', 'orchestratorToWorker', 'welcome', [], { heartbeatMs: 0 }],
])('%s is refused, and the problem names the field', (_, direction, type, path, fields) => {
  const broken = changed(EXAMPLES[direction][type], path, (object) => ({ ...object, ...fields }));
  const [field = ''] = Object.keys(fields);
  expect(problem(direction, broken)).toContain(`${type}: ${['', ...path, field].join('/')}`);
});

test('the longest allowed values pass', () => {
  const longest = { ...output, jobId: 'x'.repeat(256), data: 'A'.repeat(87_384) };
  expect(problem('workerToOrchestrator', longest)).toBe('');
});

test('a close code that nobody knows is worth another try', () => {
  for (const code of [1006, 4999]) expect(retryAfterClose(code)).toBe('backoff');
  for (const { code, retry } of Object.values(CLOSE)) expect(retryAfterClose(code)).toBe(retry);
});
