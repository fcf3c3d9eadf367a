/**
 * What the tests do briefly, for long: `npm run endurance -- chaos --jobs N`, `… fuzz --frames N --strangers N`, and
 * `… rounds worker --rounds N`, where a worker is killed in each, or `partition`, `orchestrator` or `leader`. `--seed S`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chaos } from './support/chaos.ts';
import { Cluster } from './support/cluster.ts';
import { fuzz, residentMemory } from './support/fuzz.ts';
import { Network } from './support/network.ts';
import type { Part } from './support/part.ts';
import { behaviour, installRecordingTranscoder } from './support/recordingTranscoder.ts';
import { leaderStoppedLane } from './support/rounds/leaderRounds.ts';
import { orchestratorKilledLane } from './support/rounds/orchestratorRounds.ts';
import { type Lane, playRounds } from './support/rounds/rounds.ts';
import { workerKilledLane, workerPartitionedLane } from './support/rounds/streamRounds.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', default: '10000' },
    frames: { type: 'string', default: '1000000' },
    strangers: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '50' },
    lanes: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
  },
});
const seed = Number(values.seed);
const say = (text: string) => process.stdout.write(`${text}\n`);
const started = performance.now();

if (positionals[0] === 'chaos') {
  const jobs = Number(values.jobs);
  const { wrong, killed, left } = await chaos({ jobs, workers: 8, width: 24, killEveryMs: 1_000, seed });
  say(`${jobs} jobs; wrong: ${JSON.stringify([...wrong])}; left: ${JSON.stringify(left)}`);
  say(`killed: ${[...killed].map(([what, count]) => `${what} ${count}`).join(', ')}`);
  process.exitCode = wrong.size + left.length === 0 ? 0 : 1;
} else if (positionals[0] === 'fuzz') {
  await runFuzz();
} else if (positionals[0] === 'rounds') {
  await runRounds(positionals[1] ?? '');
} else {
  say('chaos, fuzz or rounds?');
  process.exitCode = 2;
}
say(`${((performance.now() - started) / 1_000).toFixed(0)} s`);

async function runRounds(what: string): Promise<void> {
  const open = new Map<string, () => Promise<Lane>>([
    ['worker', workerKilledLane],
    ['partition', workerPartitionedLane],
    ['orchestrator', orchestratorKilledLane],
    [
      'leader',
      () => leaderStoppedLane({ lease: {}, signals: (number) => [number % 2 === 0 ? 'SIGKILL' : 'SIGTERM'] }),
    ],
  ]).get(what);
  const obstacle = what === 'partition' ? Network.obstacle() : null;
  if (!open || obstacle !== null) {
    say(obstacle ?? 'rounds worker, partition, orchestrator or leader?');
    process.exitCode = 2;
    return;
  }
  const options = { rounds: Number(values.rounds), lanes: Number(values.lanes), seed, say };
  process.exitCode = (await playRounds(options, open)) === 0 ? 0 : 1;
}

async function runFuzz(): Promise<void> {
  const token = 'the-token-of-this-run';
  const directory = mkdtempSync(join(tmpdir(), 'endurance-'));
  await installRecordingTranscoder(directory);
  const report = new URL('support/reportMemory.ts', import.meta.url).pathname;
  const cluster = await Cluster.start({
    ...{ workers: ['w1'], transcoderDirectory: directory, token },
    // The history is full before anything is measured.
    env: { LOG_LEVEL: 'info', HISTORY_SIZE: '50', NODE_OPTIONS: `--import=${report}` },
  });
  const [localRelay = ''] = (await cluster.relay.listening()).split(' ');
  const parts = { orchestrator: cluster.orchestrator, relay: cluster.relay };
  let harmed = 0;
  let ran = 0;
  let done = false;
  const legitimate = async (): Promise<void> => {
    while (!done) {
      const { code } = await cluster.runHook(behaviour({ log: 'x' }, { exit: 7 }));
      ran += 1;
      if (code !== 7) harmed += 1;
    }
  };
  const jobs = legitimate();
  await fuzz(cluster, token, localRelay, { frames: 100_000, strangers: 1_000, seed });
  while (ran < 60) await after(100);
  const before = await memoryOf(parts);
  const options = { frames: Number(values.frames), strangers: Number(values.strangers), seed: seed + 1 };
  await fuzz(cluster, token, localRelay, options);
  done = true;
  await jobs;
  const alive = Object.values(parts).every(({ ended }) => !ended);
  say(`${options.frames} frames, ${options.strangers} strangers; ${ran} jobs meanwhile, ${harmed} harmed`);
  say(`alive: ${alive}`);
  let grown = false;
  for (const [name, { used, resident }] of await memoryOf(parts)) {
    const first = before.get(name) ?? { used: 0, resident: 0 };
    // What a process holds of the system is V8's own affair: it keeps room for as much garbage as there once was.
    say(`${name}: used ${first.used} → ${used} MiB, resident ${first.resident} → ${resident} MiB`);
    grown ||= used > first.used * 1.2;
  }
  await cluster.stop();
  rmSync(directory, { recursive: true });
  process.exitCode = alive && harmed === 0 && !grown ? 0 : 1;
}

/** In MiB: what is in use when all garbage is collected, and what the system has given. */
async function memoryOf(parts: Readonly<Record<string, Part>>) {
  const found = new Map<string, { used: number; resident: number }>();
  for (const [name, part] of Object.entries(parts)) {
    const resident = residentMemory(part.pid) / 1_024;
    const said = () => part.log.filter(({ msg }) => msg === 'memory');
    const before = said().length;
    part.child.kill('SIGUSR2');
    await part.until(() => said().length > before);
    const used = Number(said().at(-1)?.['used']) / 1_024 ** 2;
    found.set(name, { used: Math.round(used), resident: Math.round(resident) });
  }
  return found;
}
