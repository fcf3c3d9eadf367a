import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type ByteString, byteString, bytesOf } from '#shared/bytes.ts';
import { EndSignal } from '#shared/job.ts';
import { type HookForm, test } from '../support/pmsHost.ts';

const forms: readonly HookForm[] = ['ts', 'cjs'];

const LATIN1_PATH = byteString(Buffer.from('/media/Am\xe9lie.mkv', 'latin1'));
const ARGV: readonly ByteString[] = [
  '-i',
  LATIN1_PATH,
  '',
  'it\'s "quoted" \\n $HOME `id` %s\n',
  'ทดสอบ',
  'x'.repeat(100 * 1024),
  byteString(Buffer.alloc(100 * 1024, 0xff)),
  byteString(Buffer.from('\\\xff\n\n', 'latin1')),
];

describe.concurrent.each(forms)('the hook as %s', (form) => {
  test('says byte for byte what PMS started it with', async ({ pms }) => {
    const relay = await pms.relay();
    const cwd = byteString(Buffer.concat([Buffer.from(`${pms.directory}/Am`), Buffer.from([0xe9])]));
    mkdirSync(bytesOf(cwd));
    const env = { X_PLEX_TOKEN: 'local', EMPTY: '', NAME: byteString(Buffer.from('\xe9=\n\n', 'latin1')) };
    const hook = pms.hook(form, { argv: ARGV, env, cwd });
    const { job, connection } = await relay.job();
    expect(job.argv).toEqual(ARGV);
    expect(job.cwd).toEqual(cwd);
    expect(job.env).toEqual({
      ...env,
      PATH: '/usr/bin:/bin',
      RELAY_SOCKET: pms.socket,
      TRANSCODER_PATH: pms.plex,
    });
    expect(job.jobId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(job).toMatchObject({ local: true, verbose: false, before: null });
    connection.send({ type: 'exit', code: 0 });
    expect(await hook.exited).toEqual({
      code: 0,
      signal: null,
      stdout: Buffer.alloc(0),
      stderr: Buffer.alloc(0),
    });
  });

  test('writes what the transcoder writes, and says how far it is', async ({ pms }) => {
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: ['-i', 'a'] });
    const { connection } = await relay.job();
    connection.output('stdout', Buffer.from([0, 0xff, 0x0a]), 0);
    expect(await connection.line()).toEqual({ type: 'received', offset: 3 });
    connection.output('stderr', Buffer.from('oh'), 3);
    expect(await connection.line()).toEqual({ type: 'received', offset: 5 });
    // Sent again, as after a reconnect: only what is new counts.
    connection.output('stderr', Buffer.from('oh'), 3);
    expect(await connection.line()).toEqual({ type: 'received', offset: 5 });
    connection.output('stderr', Buffer.from('oh no'), 3);
    connection.send({ type: 'exit', code: 3 });
    const { code, stdout, stderr } = await hook.exited;
    expect(code).toBe(3);
    expect(stdout).toEqual(Buffer.from([0, 0xff, 0x0a]));
    expect(stderr.toString()).toBe('oh no');
  });

  test('passes a line of 12 MiB that arrives in pieces', async ({ pms }) => {
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: ['-i', 'a'] });
    const { connection } = await relay.job();
    const bytes = Buffer.alloc(9 * 1024 * 1024, 'stream of bytes ');
    const line = JSON.stringify({
      type: 'output',
      stream: 'stdout',
      data: bytes.toString('base64'),
      ...{ offset: 0, cursor: '1 0 1' },
    });
    for (let start = 0; start < line.length; start += 1_000) {
      connection.sendRaw(line.slice(start, start + 1_000));
    }
    connection.sendRaw('\n{"type":"ex');
    connection.sendRaw('it","code":0}\n');
    const { code, stdout } = await hook.exited;
    expect(code).toBe(0);
    expect(stdout.equals(bytes)).toBe(true);
  });

  test.for([1, 69, 75, 123, 128, 137, 255])('exits with %i when told so', async (code, { pms }) => {
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: ['-i', 'a'] });
    const { connection } = await relay.job();
    connection.send({ type: 'exit', code });
    expect(await hook.exited).toMatchObject({ code, signal: null });
  });

  const signals = EndSignal.anyOf.map(({ const: name }) => name);
  test.for(signals)('passes %s on and waits for the end', async (signal, { pms }) => {
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: ['-i', 'a'] });
    const { connection } = await relay.job();
    hook.kill(signal);
    expect(await connection.line()).toEqual({ type: 'signal', signal });
    connection.output('stderr', Buffer.from('last words'), 0);
    connection.send({ type: 'exit', code: 255 });
    const { code, stderr } = await hook.exited;
    expect(code).toBe(255);
    expect(stderr.toString()).toBe('last words');
  });

  test('a killed hook closes its connection', async ({ pms }) => {
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: ['-i', 'a'] });
    const { connection } = await relay.job();
    hook.kill('SIGKILL');
    await connection.closed;
    expect(await hook.exited).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  test('comes back to a relay that was restarted, with the same job', async ({ pms }) => {
    const first = await pms.relay();
    const hook = pms.hook(form, { argv: ARGV });
    const { job, connection } = await first.job();
    connection.output('stdout', Buffer.from('abc'), 0);
    await connection.received(3);
    await first.close();
    const second = await pms.relay();
    const again = await second.job();
    expect(again.job).toEqual({ ...job, before: { received: 3, cursor: '1 0 1', runsHere: false } });
    again.connection.output('stdout', Buffer.from('cde'), 2);
    await again.connection.received(5);
    again.connection.send({ type: 'exit', code: 9 });
    const { code, stdout } = await hook.exited;
    expect(code).toBe(9);
    expect(stdout.toString()).toBe('abcde');
  });

  test('a signal while no relay is there ends it', async ({ pms }) => {
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: ['-i', 'a'] });
    await relay.job();
    await relay.close();
    hook.kill('SIGTERM');
    expect(await hook.exited).toMatchObject({ code: 143, signal: null });
  });

  test('gives a relay that had the job its time to come back, and never runs it twice', async ({ pms }) => {
    const recorder = await pms.recorder();
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: ['-i', 'a'], env: { RELAY_RECONNECT_MS: '1500' } });
    await relay.job();
    await relay.close();
    const start = performance.now();
    expect(await hook.exited).toMatchObject({ code: 75, signal: null });
    expect(performance.now() - start).toBeGreaterThan(1_000);
    expect(performance.now() - start).toBeLessThan(4_000);
    expect(await recorder.records()).toEqual([]);
  });

  test('tries again when the relay hangs up before it has the job', async ({ pms }) => {
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: ['-i', 'a'] });
    (await relay.connection()).destroy();
    const { connection } = await relay.job();
    connection.send({ type: 'exit', code: 4 });
    expect(await hook.exited).toMatchObject({ code: 4 });
  });

  test.for([
    'nonsense',
    '{"type":"exit"}',
    '{"type":"exit","code":256}',
    '{"type":"output","stream":"stdin","data":"","offset":0,"cursor":"1 0 1"}',
    '{"type":"output","stream":"stdout","data":"YQ==","offset":1,"cursor":"1 0 1"}',
    '{"type":"welcome"}',
    'null',
    '',
  ])('exits with 70 after the bad line %j', async (line, { pms }) => {
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: ['-i', 'a'] });
    const { connection } = await relay.job();
    connection.sendRaw(`${line}\n`);
    expect(await hook.exited).toMatchObject({ code: 70, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) });
  });

  test('exits with 70 when a line does not end', async ({ pms }) => {
    const relay = await pms.relay();
    const hook = pms.hook(form, { argv: ['-i', 'a'] });
    const { connection } = await relay.job();
    connection.sendRaw('x'.repeat(16 * 1024 * 1024 + 1));
    expect(await hook.exited).toMatchObject({ code: 70 });
  });

  test.for<[string, Record<string, string>]>([
    ['a mode that there is not', { TRANSCODE_OPERATING_MODE: 'remotely' }],
    ['a flag that is none', { TRANSCODE_EAE_LOCALLY: 'maybe' }],
    ['a file that is not there', { RELAY_SOCKET_FILE: '/nonexistent', RELAY_SOCKET: '' }],
    ['a value and a file', { TRANSCODER_VERBOSE: '1', TRANSCODER_VERBOSE_FILE: '/dev/null' }],
  ])('exits with 64 on %s, and names it', async ([, env], { pms }) => {
    const { code, stdout, stderr } = await pms.hook(form, { argv: ['-i', 'a'], env }).exited;
    expect(code).toBe(64);
    expect(stdout.toString()).toBe('');
    expect(stderr.toString()).toMatch(/TRANSCODE|no such file/);
  });

  test('reads a setting from a file', async ({ pms }) => {
    const relay = await pms.relay();
    const file = join(pms.directory, 'socket');
    writeFileSync(file, `${pms.socket}\n`);
    const hook = pms.hook(form, { argv: ['-i', 'a'], env: { RELAY_SOCKET: '', RELAY_SOCKET_FILE: file } });
    const { connection } = await relay.job();
    connection.send({ type: 'exit', code: 0 });
    expect(await hook.exited).toMatchObject({ code: 0 });
  });
});
