import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type ByteString, byteString, bytesOf } from '#shared/bytes.ts';
import { OWNER_VARIABLE } from '../../worker/transcoder/owner.ts';
import { type HookForm, test } from '../support/pmsHost.ts';
import { allEnded, descendantsOf, isRunning } from '../support/processes.ts';
import { behaviour } from '../support/recordingTranscoder.ts';

const forms: readonly HookForm[] = ['ts', 'cjs'];
const LOCAL = { TRANSCODE_OPERATING_MODE: 'local' };
const NOTHING = Buffer.alloc(0);

const THUMBNAILS = ['-i', 'a', '-f', 'image2', 'thumb-%05d.jpeg'];
const EAE = ['-codec:1', 'eac3_eae', '-eae_prefix:1', 'abc_', '-i', 'a'];

describe.each(forms)('the original transcoder, by the hook as %s', (form) => {
  test('gets the same process, argv, environment and cwd, byte for byte', async ({ pms }) => {
    const recorder = await pms.recorder();
    const raw = byteString(Buffer.from('\xe9"$HOME\\n%s\n\n', 'latin1'));
    const cwd = byteString(Buffer.concat([Buffer.from(`${pms.directory}/Am`), Buffer.from([0xe9])]));
    mkdirSync(bytesOf(cwd));
    const large = byteString(Buffer.alloc(100 * 1024, 0xfe));
    const argv: ByteString[] = ['-i', raw, '', 'x\n', 'y'.repeat(100 * 1024), large];
    const hook = pms.hook(form, { argv, cwd, env: { ...LOCAL, EMPTY: '', RAW: raw, TEXT: 'ä\n' } });
    expect(await hook.exited).toEqual({ code: 0, signal: null, stdout: NOTHING, stderr: NOTHING });
    const [record] = await recorder.records();
    expect(record?.pid).toBe(hook.pid);
    expect(record?.argv).toEqual(argv.map(bytesOf));
    expect(record?.cwd).toEqual(bytesOf(cwd));
    const env = [
      'EMPTY=',
      'PATH=/usr/bin:/bin',
      `RELAY_SOCKET=${pms.socket}`,
      'TEXT=ä\n',
      'TRANSCODE_OPERATING_MODE=local',
      `TRANSCODER_PATH=${pms.plex}`,
    ].map((entry) => Buffer.from(entry));
    env.push(Buffer.concat([Buffer.from('RAW='), bytesOf(raw)]));
    expect(record?.env.toSorted(Buffer.compare)).toEqual(env.toSorted(Buffer.compare));
  });

  test('gets text without a shell in between', async ({ pms }) => {
    const recorder = await pms.recorder();
    const argv = ['-i', 'ä"$HOME', '', 'x\n'];
    const hook = pms.hook(form, { argv, env: LOCAL });
    expect(await hook.exited).toEqual({ code: 0, signal: null, stdout: NOTHING, stderr: NOTHING });
    const [record] = await recorder.records();
    expect(record?.pid).toBe(hook.pid);
    expect(record?.argv.map(String)).toEqual(argv);
    expect(record?.env.length).toBe(4);
  });

  test('ends as it ends: by exit code', async ({ pms }) => {
    await pms.recorder();
    const hook = pms.hook(form, { argv: behaviour({ output: 2_048 }, { exit: 213 }), env: LOCAL });
    const { code, stdout, stderr } = await hook.exited;
    expect(code).toBe(213);
    expect([stdout.length, stderr.length]).toEqual([1_024, 1_024]);
  });

  test('ends as it ends: by signal', async ({ pms }) => {
    await pms.recorder();
    const hook = pms.hook(form, { argv: behaviour({ signal: 'SEGV' }), env: LOCAL });
    expect(await hook.exited).toMatchObject({ code: null, signal: 'SIGSEGV' });
  });

  test('gets no signal ignored or blocked that it would not have had', async ({ pms }) => {
    const path = join(pms.plex, 'originalTranscoder');
    writeFileSync(path, "#!/bin/sh\nexec grep -E 'Sig(Blk|Ign)' /proc/self/status\n", { mode: 0o755 });
    const direct = await pms.start(path, { argv: [] }).exited;
    const { stdout } = await pms.hook(form, { argv: ['-i', 'a'], env: LOCAL }).exited;
    expect(stdout.toString()).toBe(direct.stdout.toString());
  });

  test('is missing: 70, and a word only where words are wanted', async ({ pms }) => {
    const quiet = await pms.hook(form, { argv: ['-i', 'a'], env: LOCAL }).exited;
    expect(quiet).toEqual({ code: 70, signal: null, stdout: NOTHING, stderr: NOTHING });
    const verbose = await pms.hook(form, { argv: ['a'], env: { ...LOCAL, TRANSCODER_VERBOSE: '1' } }).exited;
    expect(verbose.code).toBe(70);
    expect(verbose.stderr.toString()).toContain(join(pms.plex, 'originalTranscoder'));
  });

  test('runs when no relay is there, within moments', async ({ pms }) => {
    await pms.recorder();
    const start = performance.now();
    const hook = pms.hook(form, { argv: behaviour({ exit: 5 }) });
    expect(await hook.exited).toEqual({ code: 5, signal: null, stdout: NOTHING, stderr: NOTHING });
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  test('does not run when no relay is there and the mode is remote', async ({ pms }) => {
    const recorder = await pms.recorder();
    const env = { TRANSCODE_OPERATING_MODE: 'remote' };
    const start = performance.now();
    const hook = pms.hook(form, { argv: ['-i', 'a'], env });
    expect(await hook.exited).toEqual({ code: 75, signal: null, stdout: NOTHING, stderr: NOTHING });
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(await recorder.records()).toEqual([]);
  });

  test('runs for a worker, which would wait for itself, in every mode', async ({ pms }) => {
    const recorder = await pms.recorder();
    await pms.relay();
    const env = { TRANSCODE_OPERATING_MODE: 'remote', [OWNER_VARIABLE]: '1:2:w1' };
    const hook = pms.hook(form, { argv: behaviour({ exit: 5 }), env });
    expect(await hook.exited).toMatchObject({ code: 5 });
    const [record] = await recorder.records();
    expect(record?.env.map(String)).toContain(`${OWNER_VARIABLE}=1:2:w1`);
  });

  test('runs when a relay takes the connection and says nothing', async ({ pms }) => {
    await pms.recorder();
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: behaviour({ exit: 5 }) });
    const connection = await relay.connection();
    await connection.job();
    expect(await hook.exited).toMatchObject({ code: 5 });
  });

  test('runs when the relay says so', async ({ pms }) => {
    await pms.recorder();
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: behaviour({ exit: 6 }) });
    const { connection } = await relay.job();
    connection.output('stderr', Buffer.from('first '), 0);
    connection.send({ type: 'local', reason: 'no worker', argv: null });
    const { code, stderr } = await hook.exited;
    expect(code).toBe(6);
    expect(stderr.toString()).toBe('first ');
    await connection.closed;
  });

  test('goes on beside the hook, byte for byte, and ends it as it ends', async ({ pms }) => {
    const recorder = await pms.recorder();
    const relay = await pms.relay();
    const raw = byteString(Buffer.from('\xe9"$HOME\n%s\n\n', 'latin1'));
    const argv = [...behaviour({ output: 2_048 }, { exit: 213 }), raw, '', 'ä\n'];
    const hook = pms.hook(form, { argv: ['-i', 'a'], env: { RAW: raw } });
    const { connection } = await relay.job();
    connection.send({ type: 'local', reason: 'no orchestrator', argv });
    const { code, stdout, stderr } = await hook.exited;
    expect(code).toBe(213);
    expect([stdout.length, stderr.length]).toEqual([1_024, 1_024]);
    const [record] = await recorder.records();
    expect(record?.argv).toEqual(argv.map(bytesOf));
    expect(record?.cwd).toEqual(Buffer.from(pms.directory));
    expect(record?.env).toContainEqual(Buffer.concat([Buffer.from('RAW='), bytesOf(raw)]));
    expect(record?.env.length).toBe(4);
  });

  test('beside the hook it gets signals, and its own ends the hook', async ({ pms }) => {
    const recorder = await pms.recorder();
    const relay = await pms.relay();
    const ready = join(pms.directory, 'ready');
    for (const [steps, expected] of [
      [behaviour({ onTerm: 21 }, { append: ready }, { block: true }), { code: 21, signal: null }],
      [behaviour({ signal: 'SEGV' }), { code: null, signal: 'SIGSEGV' }],
    ] as const) {
      const hook = pms.hook(form, { argv: ['-i', 'a'] });
      const { connection } = await relay.job();
      connection.send({ type: 'local', reason: 'no orchestrator', argv: [...steps] });
      await expect.poll(() => existsSync(ready)).toBe(true);
      if (expected.code === 21) hook.kill('SIGTERM');
      expect(await hook.exited).toMatchObject(expected);
    }
    expect(await recorder.records()).toHaveLength(2);
  });

  test('beside the hook it goes on without a relay, finds the next one, and dies with the hook', async ({
    pms,
  }) => {
    const recorder = await pms.recorder();
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: ['-i', 'a'], env: { RELAY_RECONNECT_MS: '0' } });
    const { job, connection } = await relay.job();
    connection.send({ type: 'local', reason: 'no orchestrator', argv: behaviour({ block: true }) });
    await recorder.waitForRecords(1);
    const [record] = await recorder.records();
    await relay.close();
    const next = await (await pms.relay()).job();
    expect(next.job).toEqual({ ...job, before: { received: 0, cursor: null, runsHere: true } });
    next.connection.send({ type: 'exit', code: 3 });
    const pids = [record?.pid ?? 0, ...descendantsOf(hook.pid)];
    expect(pids.every(isRunning)).toBe(true);
    hook.kill('SIGKILL');
    expect(await hook.exited).toMatchObject({ signal: 'SIGKILL' });
    await allEnded(pids);
  });

  test('does not run after PMS has ended the job', async ({ pms }) => {
    const recorder = await pms.recorder();
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: ['-i', 'a'] });
    const { connection } = await relay.job();
    hook.kill('SIGTERM');
    expect(await connection.line()).toMatchObject({ type: 'signal' });
    connection.send({ type: 'local', reason: 'no worker', argv: null });
    expect(await hook.exited).toMatchObject({ code: 143 });
    expect(await recorder.records()).toEqual([]);
  });

  test.for<[string, { env?: Record<string, string>; argv?: string[]; cwd?: string }]>([
    ['the mode is local', { env: LOCAL }],
    ['credits are detected', { cwd: 'PlexCreditsDetection-1' }],
    [
      'credits are detected, whatever the mode',
      { cwd: 'PlexCreditsDetection-1', env: { TRANSCODE_OPERATING_MODE: 'remote' } },
    ],
    ['EAE stays here', { argv: EAE, env: { TRANSCODE_EAE_LOCALLY: '1' } }],
    ['thumbnails stay here', { argv: THUMBNAILS, env: { TRANSCODE_PREVIEWS_LOCALLY: 'true' } }],
    ['there are no arguments', { argv: [] }],
  ])('runs without asking the relay when %s', async ([, { env = {}, argv = ['-i', 'a'], cwd }], { pms }) => {
    const recorder = await pms.recorder();
    const relay = await pms.relay();
    if (cwd) mkdirSync(join(pms.directory, cwd));
    const hook = pms.hook(form, { argv, env, cwd: cwd ? join(pms.directory, cwd) : pms.directory });
    expect(await hook.exited).toMatchObject({ code: 0 });
    expect((await recorder.records()).length).toBe(1);
    expect(relay.accepted).toBe(0);
  });

  test.for<[string, string[], Record<string, string>]>([
    ['EAE need not stay here', EAE, {}],
    ['thumbnails need not stay here', THUMBNAILS, {}],
    [
      'images have a viewer',
      [...THUMBNAILS, '-progressurl', 'http://127.0.0.1'],
      { TRANSCODE_PREVIEWS_LOCALLY: '1' },
    ],
    ['a file is only called like the option', ['-i', 'x-eae_prefix'], { TRANSCODE_EAE_LOCALLY: '1' }],
  ])('does not run when %s', async ([, argv, env], { pms }) => {
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv, env });
    const { job, connection } = await relay.job();
    expect(job.argv).toEqual(argv);
    connection.send({ type: 'exit', code: 0 });
    await hook.exited;
  });

  test('a socket that nobody listens on is no relay', async ({ pms }) => {
    await pms.recorder();
    writeFileSync(pms.socket, '');
    expect(await pms.hook(form, { argv: behaviour({ exit: 5 }) }).exited).toMatchObject({ code: 5 });
    rmSync(pms.socket);
  });
});
