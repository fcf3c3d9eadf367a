/**
 * What the hook costs: how long it takes from PMS starting the hook to the transcoder running, by stage, one job at a time. The reference is
 * measured in between: a Node process that does nothing, which is the least that any hook in Node can cost.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { hookText } from '../pms/install/hookText.ts';
import { Part } from '../test/support/part.ts';
import { cpuMs, residentBytes } from './load/processes.ts';
import { summarise } from './percentiles.ts';
import type { Result, Row } from './result.ts';

const WARM_UP = 20;
const SETTLE_MS = 1_000;
const EVENTS = {
  submitted: 'job submitted',
  placed: 'job placed',
  started: 'job started',
  ended: 'job ended',
};

export async function hook({ jobs }: { readonly jobs: number }): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const cwd = join(directory, 'transcode');
  mkdirSync(cwd);
  writeFileSync(
    join(directory, 'Plex Transcoder'),
    '#!/bin/sh\ncase "$*" in *hold*) exec sleep 60;; esac\nexit 0\n',
    { mode: 0o755 },
  );
  const file = join(directory, 'hook.cjs');
  writeFileSync(file, hookText());
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
    leave: [],
    exit: [],
    nothing: [],
  };
  const add = (stage: string, milliseconds: number): void => void stages[stage]?.push(milliseconds);
  const env = { PATH: '/usr/bin:/bin', RELAY_SOCKET: socket, TRANSCODE_OPERATING_MODE: 'remote' };
  for (let index = 0; index < WARM_UP + jobs; index += 1) {
    const nothing = await run([join(directory, 'nothing.cjs')], env, cwd);
    const started = performance.timeOrigin + performance.now();
    const exited = run([file, '-i', 'in.mkv', '-codec:0', 'libx264', '-f', 'dash', 'dash'], env, cwd);
    const [submitted, placed, running] = [
      await stamp(EVENTS.submitted),
      await stamp(EVENTS.placed),
      await stamp(EVENTS.started),
    ];
    const ended = await stamp(EVENTS.ended);
    const total = await exited;
    const left = performance.timeOrigin + performance.now();
    if (index < WARM_UP) continue;
    add('nothing', nothing);
    add('hook', submitted.at - started);
    add('place', placed.at - submitted.at);
    add('start', running.at - placed.at);
    add('total', running.at - started);
    add('leave', left - ended.at);
    add('exit', total);
  }
  const holding = spawn(process.execPath, [file, '-i', 'hold', 'dash'], { env, cwd, stdio: 'ignore' });
  await stamp(EVENTS.started);
  const bare = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { env, cwd, stdio: 'ignore' });
  // Both have done what they do at the start.
  await after(SETTLE_MS);
  const memory = { hook: residentBytes(holding.pid), node: residentBytes(bare.pid) };
  const cpu = { hook: cpuMs(holding.pid), node: cpuMs(bare.pid) };
  for (const child of [holding, bare]) child.kill('SIGKILL');
  await Promise.all([worker.stop(), relay.stop()]);
  orchestrator.kill();
  rmSync(directory, { recursive: true });

  const of = (stage: string) => summarise(stages[stage] ?? []);
  const row = (name: string, stage: string): Row => ({ name, summary: of(stage) });
  return {
    ...{ name: 'hook', unit: 'ms' },
    rows: [
      row('hook started → job at the orchestrator', 'hook'),
      row('job at the orchestrator → placed', 'place'),
      row('placed → worker says that the transcoder runs', 'start'),
      row('hook started → transcoder runs', 'total'),
      row('job ended → hook exited', 'leave'),
      row('hook started → hook exited', 'exit'),
      row('reference: a Node process that does nothing', 'nothing'),
    ],
    ratios: [
      {
        name: 'hook started → job at the orchestrator, to node -e 0',
        value: of('hook').p50 / of('nothing').p50,
        target: { atMost: 1.25 },
      },
      {
        name: 'memory of an idle hook to that of a bare node',
        value: memory.hook / memory.node,
        target: { atMost: 1.1 },
      },
    ],
    notes: [
      `memory: hook ${(memory.hook / 1e6).toFixed(1)} MB, node ${(memory.node / 1e6).toFixed(1)} MB`,
      `CPU until the transcoder runs: hook ${cpu.hook.toFixed(0)} ms, node ${cpu.node.toFixed(0)} ms`,
    ],
  };
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
