/**
 * What the tests do briefly, for long: `npm run endurance -- chaos --jobs N`, `… fuzz --frames N --strangers N`, and
 * `… rounds worker --rounds N`, where a worker is killed in each, or `partition`, or `orchestrator`. `--seed S`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chaos } from './support/chaos.ts';
import { Cluster } from './support/cluster.ts';
import { fuzz, residentMemory } from './support/fuzz.ts';
import { Network } from './support/network.ts';
import { behaviour, installRecordingTranscoder } from './support/recordingTranscoder.ts';
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
  ]).get(what);
  const obstacle = what === 'partition' ? Network.obstacle() : null;
  if (!open || obstacle !== null) {
    say(obstacle ?? 'rounds worker, rounds partition or rounds orchestrator?');
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
  const cluster = await Cluster.start({
    ...{ workers: ['w1'], transcoderDirectory: directory, token },
    env: { LOG_LEVEL: 'info' },
  });
  const [localRelay = ''] = (await cluster.relay.listening()).split(' ');
  const parts = { orchestrator: cluster.orchestrator, relay: cluster.relay };
  const memory = () => Object.values(parts).map(({ pid }) => Math.round(residentMemory(pid) / 1_024));
  await fuzz(cluster, token, localRelay, { frames: 20_000, strangers: 500, seed });
  const before = memory();
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
  const options = { frames: Number(values.frames), strangers: Number(values.strangers), seed: seed + 1 };
  await fuzz(cluster, token, localRelay, options);
  done = true;
  await jobs;
  const alive = Object.values(parts).every(({ ended }) => !ended);
  say(`${options.frames} frames, ${options.strangers} strangers; ${ran} jobs meanwhile, ${harmed} harmed`);
  say(`alive: ${alive}; MiB before and after (orchestrator, relay): ${before} and ${memory()}`);
  await cluster.stop();
  rmSync(directory, { recursive: true });
  process.exitCode = alive && harmed === 0 ? 0 : 1;
}
