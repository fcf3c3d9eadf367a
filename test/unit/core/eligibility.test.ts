import { expect, test } from 'vitest';
import { type Capabilities, NO_CAPABILITIES } from '#shared/capabilities.ts';
import { corpusCommand } from '../../support/corpus.ts';
import { ended, running, World } from './world.ts';

const CPU: Capabilities = {
  ...NO_CAPABILITIES,
  decoders: ['h264', 'hevc', 'av1', 'aac'],
  encoders: ['libx264', 'aac', 'ass'],
  eae: false,
  adaptation: 'translate',
};
const EAE: Capabilities = { ...CPU, eae: true };

const dolby = { argv: [...corpusCommand('sp-nv-9905b5e9').argv] };
const plain = { argv: [...corpusCommand('sp-nv-0d540652').argv] };
const hardware = { argv: [...corpusCommand('sp-nv-9b8489d5').argv] };

test('a job goes to a worker that has what its command asks for', () => {
  const world = World.settled();
  world.worker('plain', { capabilities: CPU, slots: 4 });
  world.worker('dolby', { capabilities: EAE, slots: 4 });
  const relay = world.relay();
  for (const id of ['a', 'b', 'c']) expect(world.submit(relay, id, dolby).current?.worker).toBe('dolby');
});

test('a job that no worker could ever take runs locally at once, and says why', () => {
  const world = World.settled();
  world.worker('plain', { capabilities: CPU });
  const job = world.submit(world.relay(), 'a', dolby);
  expect(job.outcome?.reason).toBe('no-worker');
  expect(job.outcome?.message).toMatch(/plain: it has no EasyAudioEncoder for eac3_eae/);
});

test('while workers may still come back, it waits for them', () => {
  const world = new World();
  world.worker('plain', { capabilities: CPU });
  const job = world.submit(world.relay(), 'a', dolby);
  expect(job.outcome).toBeNull();
  world.worker('dolby', { capabilities: EAE });
  expect(job.current?.worker).toBe('dolby');
});

test('a job that waits for a rare worker holds nobody up', () => {
  const world = World.settled();
  world.worker('plain', { capabilities: CPU, slots: 4 });
  world.worker('dolby', { capabilities: EAE });
  const relay = world.relay();
  for (const id of ['a', 'b']) world.submit(relay, id, dolby);
  expect(world.job('b').current).toBeNull();
  expect(world.submit(relay, 'c', plain).current?.worker).toBe('plain');
});

const USED = { api: 'cuda', decoder: 'hevc', encoder: 'h264_nvenc' } as const;
const failed = { exitCode: 1, signal: null };

test('hardware that fails before it made anything is followed by software, if on the same worker', () => {
  const world = World.settled();
  const worker = world.worker('w', { capabilities: CPU });
  const job = world.submit(world.relay(), 'a', hardware);
  const changes = [{ name: 'hardware-adapted', detail: 'for this GPU' }];
  world.report(worker, [{ ...running('a'), hardware: USED, changes }]);
  // However long it took to fail.
  world.advance(world.settings.earlyExitMs * 2);
  world.report(worker, [{ ...ended('a', failed), hardware: USED, changes }]);
  expect(job.current).toMatchObject({ number: 2, worker: 'w', software: true });
  expect(job.attempts[0]).toMatchObject({ software: false, hardware: USED, changes });
  expect(job.story.map(({ message }) => message)).toEqual(
    expect.arrayContaining(['for this GPU', 'its hardware failed on w: again in software']),
  );
  world.report(worker, [ended('a', failed, 2)]);
  expect(job.outcome).toMatchObject({ reason: 'exited', exitCode: 1 });
});

const GPU = {
  ...{ id: 'g', api: 'cuda' as const, name: 'g', device: '0000:01:00.0', driver: null, sessionLimit: null },
  ...{ decoders: ['hevc'], encoders: ['h264_nvenc'], filters: ['scale_cuda'] },
};

test.each([
  ['it used none', { hardware: null }, {}, CPU],
  ['it had written something', { hardware: USED }, { stdoutBytes: 3 }, CPU],
  ['it ended well', { hardware: USED }, { exitCode: 0 }, CPU],
  ['nobody can do without', { hardware: USED }, {}, { ...CPU, adaptation: 'off' as const }],
])('no attempt in software follows when %s', (_why, used, outcome, capabilities) => {
  const world = World.settled();
  const worker = world.worker('w', { capabilities: { ...capabilities, gpus: [GPU] } });
  const job = world.submit(world.relay(), 'a', hardware);
  world.report(worker, [{ ...running('a'), ...used }]);
  world.report(worker, [{ ...ended('a', { ...failed, ...outcome }), ...used }]);
  expect(job.attempts).toHaveLength(1);
  expect(job.outcome?.reason).toBe('exited');
});

test('a GPU that fails in the middle sends its job elsewhere, and only then into software', () => {
  const world = World.settled();
  const a = world.worker('a', { capabilities: { ...CPU, gpus: [GPU] } });
  const job = world.submit(world.relay(), 'j', hardware);
  const b = world.worker('b', { capabilities: { ...CPU, gpus: [{ ...GPU, id: 'h' }] } });
  const lost = { ...failed, gpuFailure: 'lost', stderrBytes: 9 } as const;
  world.report(a, [{ ...ended('j', lost), hardware: USED }]);
  expect(job.current).toMatchObject({ worker: 'b', software: false });
  world.report(b, [{ ...ended('j', lost, 2), hardware: USED }]);
  expect(job.current).toMatchObject({ worker: 'b', software: true });
  expect(job.story.map(({ message }) => message)).toContain('the GPU failed (lost) on b: again in software');
});

test('what was tried again in software takes no failure off its worker', () => {
  const world = World.settled();
  const a = world.worker('a', { capabilities: { ...CPU, gpus: [GPU] } });
  world.workerCalled('a').failures = 2;
  world.submit(world.relay(), 'j', hardware);
  world.report(a, [{ ...ended('j', failed), hardware: USED }]);
  world.report(a, [ended('j', failed, 2)]);
  expect(world.job('j').outcome?.exitCode).toBe(1);
  expect(world.workerCalled('a').failures).toBe(2);
});

/** A job of which PMS has segments that `a` encoded with NVENC, until `a` is lost. */
function lostInTheMiddle(b: Capabilities, c: Capabilities, command = hardware): World {
  const world = World.settled();
  const a = world.worker('a', { capabilities: { ...EAE, gpus: [GPU] } });
  const relay = world.relay();
  world.submit(relay, 'j', command);
  world.report(a, [{ ...running('j'), hardware: USED }]);
  const accepted = {
    ...{ attempt: 1, progress: null, speed: null, duration: null, readError: null, announced: 7 },
    ...{ resume: { segment: 7, seconds: 21 }, obstacle: null },
  };
  const message = { type: 'checkpoint', jobId: 'j', ...accepted } as const;
  world.handle({ type: 'relay-message', connection: relay, message });
  world.worker('b', { capabilities: b });
  world.worker('c', { capabilities: c });
  world.disconnect(a);
  world.advance(world.settings.workerReconnectMs);
  return world;
}

test('a job goes on where its encoder is', () => {
  const job = lostInTheMiddle(CPU, { ...CPU, gpus: [GPU] }).job('j');
  expect(job.current).toMatchObject({ worker: 'c', encoder: 'h264_nvenc', resume: { segment: 7 } });
});

const OTHER = { ...EAE, gpus: [{ ...GPU, encoders: ['hevc_nvenc'] }] };
const TRANSLATES = { ...EAE, gpus: [GPU] };

test.each([
  ['nobody has it', EAE, OTHER, hardware],
  ['nobody accelerates', TRANSLATES, TRANSLATES, dolby],
  [
    'it is only built into a transcoder',
    { ...EAE, encoders: [...EAE.encoders, 'h264_nvenc'] },
    OTHER,
    hardware,
  ],
])('when %s it begins at the beginning, and its story says why', (_why, b, c, command) => {
  const job = lostInTheMiddle(b, c, command).job('j');
  expect(job.current).toMatchObject({ number: 2, encoder: null, resume: null });
  expect(job.story.findLast(({ event }) => event === 'placed')?.message).toMatch(
    /; from the beginning: [bc] can't go on with h264_nvenc, which encoded what PMS has$/,
  );
});
