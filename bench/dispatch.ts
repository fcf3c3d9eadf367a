/**
 * How long it takes from PMS starting the hook to the transcoder running, by stage, one job at a time. The reference is
 * measured in between: a Node process that does nothing, which is the least that any hook in Node can cost.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { hookText } from '../pms/install/wrapper.ts';
import { Part } from '../test/support/part.ts';
import { type Summary, summarise } from './percentiles.ts';

const WARM_UP = 20;
const EVENTS = {
  submitted: 'job submitted',
  placed: 'job placed',
  started: 'job started',
  ended: 'job ended',
};

export async function dispatch(jobs: number): Promise<{ rows: [string, Summary][]; ratio: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const cwd = join(directory, 'transcode');
  mkdirSync(cwd);
  writeFileSync(join(directory, 'Plex Transcoder'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const hook = join(directory, 'hook.cjs');
  writeFileSync(hook, hookText());
  writeFileSync(join(directory, 'nothing.cjs'), '');

  const orchestrator = spawn(
    process.execPath,
    [fileURLToPath(new URL('stampedOrchestrator.ts', import.meta.url))],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface(orchestrator.stdout)[Symbol.asyncIterator]();
  /** The next stamp of this event. */
  const stamp = async (event: string): Promise<{ subject: string; at: number }> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error('the orchestrator ended');
      const [name, subject = '', at] = value.split('\t');
      if (name === event) return { subject, at: Number(at) };
    }
  };
  const { subject: address } = await stamp('listening');
  const socket = join(directory, 'relay.sock');
  const worker = new Part('worker/main.ts', {
    ORCHESTRATOR_URL: address,
    LISTENING_PORT: '0',
    WORKER_SLOTS: '4',
    TRANSCODER_PATH: directory,
    MOUNTS: `${directory}:rw`,
    STAT_CPU_OPS_DURATION: '0',
  });
  const relay = new Part('pms/relay.ts', {
    ORCHESTRATOR_URL: address,
    LOCAL_RELAY_PORT: '0',
    RELAY_SOCKET: socket,
  });
  await Promise.all([relay.logged('connected to the orchestrator'), stamp('worker connected')]);

  const stages: Record<string, number[]> = {
    hook: [],
    place: [],
    start: [],
    total: [],
    exit: [],
    nothing: [],
  };
  const add = (stage: string, milliseconds: number): void => void stages[stage]?.push(milliseconds);
  const env = { PATH: '/usr/bin:/bin', RELAY_SOCKET: socket, TRANSCODE_OPERATING_MODE: 'remote' };
  for (let index = 0; index < WARM_UP + jobs; index += 1) {
    const nothing = await run([join(directory, 'nothing.cjs')], env, cwd);
    const started = performance.timeOrigin + performance.now();
    const exited = run([hook, '-i', 'in.mkv', '-codec:0', 'libx264', '-f', 'dash', 'dash'], env, cwd);
    const [submitted, placed, running] = [
      await stamp(EVENTS.submitted),
      await stamp(EVENTS.placed),
      await stamp(EVENTS.started),
    ];
    const total = await exited;
    if (index < WARM_UP) continue;
    add('nothing', nothing);
    add('hook', submitted.at - started);
    add('place', placed.at - submitted.at);
    add('start', running.at - placed.at);
    add('total', running.at - started);
    add('exit', total);
  }
  await Promise.all([worker.stop(), relay.stop()]);
  orchestrator.kill();
  rmSync(directory, { recursive: true });

  const row = (name: string, stage: string): [string, Summary] => [name, summarise(stages[stage] ?? [])];
  const rows = [
    row('hook started → job at the orchestrator', 'hook'),
    row('job at the orchestrator → placed', 'place'),
    row('placed → worker says that the transcoder runs', 'start'),
    row('hook started → transcoder runs', 'total'),
    row('hook started → hook exited', 'exit'),
    row('reference: a Node process that does nothing', 'nothing'),
  ];
  return { rows, ratio: summarise(stages['total'] ?? []).p50 / summarise(stages['nothing'] ?? []).p50 };
}

/** Milliseconds from spawn to exit. */
function run(argv: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<number> {
  const before = performance.now();
  const child = spawn(process.execPath, [...argv], { env, cwd, stdio: 'ignore' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve(performance.now() - before);
      else reject(new Error(`exit code ${code}`));
    });
  });
}
