import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const ROOT = new URL('../../', import.meta.url).pathname;
const COPIED = ['orchestrator', 'worker', 'pms', 'shared', 'test/simulation', 'package.json'];

/** One way to break the product: where `good` stands once, `bad` is put. */
interface Mutant {
  readonly what: string;
  readonly file: string;
  readonly good: string;
  readonly bad: string;
  /** The seed to begin with, where the worlds that show it are rare; 1 by default. */
  readonly from?: number;
  /** It takes worlds in which orchestrators are deposed, or whose workers are scaled. */
  readonly worlds?: 'elections' | 'scaled';
}

/** Each breaks a promise that the simulation watches over. */
export const MUTANTS: readonly Mutant[] = [
  {
    what: 'a full worker is given another job',
    file: 'orchestrator/core/candidates.ts',
    good: 'worker.running < worker.slots',
    bad: 'worker.running <= worker.slots',
  },
  {
    what: 'a worker that is not ready is given jobs',
    file: 'orchestrator/core/candidates.ts',
    good: '    worker.ready &&\n',
    bad: '',
  },
  {
    what: 'a worker that refused a job is given it again',
    file: 'orchestrator/core/feasible.ts',
    good: ' && !job.avoid.has(worker.name)',
    bad: '',
  },
  {
    what: 'background goes before playback',
    file: 'orchestrator/core/queue.ts',
    good: 'return byClass < 0',
    bad: 'return byClass > 0',
  },
  {
    what: 'a lost attempt is not tried again',
    file: 'orchestrator/core/retries.ts',
    good: '    enqueue(core, job, outcome.message);\n',
    bad: '',
  },
  {
    what: 'the slot of an ended attempt stays taken',
    file: 'orchestrator/core/attempts.ts',
    good: '  freeSlot(worker, attempt);\n',
    bad: '',
  },
  {
    what: 'a new attempt has the number of the one before',
    file: 'orchestrator/core/attempts.ts',
    good: '  job.lastAttempt += 1;\n',
    bad: '  job.lastAttempt = Math.max(job.lastAttempt, 1);\n',
  },
  {
    what: 'a job that ran before a restart of the orchestrator is started anew at once',
    file: 'orchestrator/core/submissions.ts',
    good: '  if (job.lastAttempt === 0) {',
    bad: '  if (job.lastAttempt >= 0) {',
  },
  {
    what: 'an attempt that its worker has forgotten stays on its list',
    file: 'orchestrator/core/workers.ts',
    good: '  if (worker.attempts.size > 0) forgottenAttempts(core, worker, state);\n',
    bad: '',
  },
  {
    what: 'a worker that does not come back keeps its jobs',
    file: 'orchestrator/core/workers.ts',
    good: '  for (const attempt of [...worker.attempts.values()]) {\n    if (core.orphans',
    bad: '  for (const attempt of [...worker.attempts.values()].slice(0, 1)) {\n    if (core.orphans',
  },
  {
    what: 'the queue deadline is not kept',
    file: 'orchestrator/core/cluster.ts',
    good: "if (job && jobState(job) === 'queued') queueTimedOut(core, job);",
    bad: "if (job && jobState(job) === 'running') queueTimedOut(core, job);",
  },
  {
    what: 'a silent connection is never given up',
    from: 460,
    file: 'orchestrator/core/cluster.ts',
    good: 'workerHello(core, event.connection, event.hello);\n        this.#watchSilence(event.connection);',
    bad: 'workerHello(core, event.connection, event.hello);',
  },
  {
    what: 'a cancelled job is tried again',
    file: 'orchestrator/core/retries.ts',
    good: 'if (job.endRequested) {',
    bad: "if (job.endRequested && outcome.reason !== 'lost') {",
  },
  {
    what: 'a job whose relay went away is never released',
    from: 325,
    file: 'orchestrator/core/cluster.ts',
    good: 'if (job?.holder === null) release(core, job);',
    bad: 'if (job?.holder === null) job.holder = null;',
  },
  {
    what: 'an attempt is forgotten before its output has arrived',
    from: 730,
    file: 'orchestrator/core/attempts.ts',
    good: 'job?.outcome && !job.released && outputBytes(outcome) > 0',
    bad: 'false',
  },
  {
    what: 'the first read error ends its job',
    file: 'orchestrator/core/retries.ts',
    good: 'isDoubted(core, job, attempt) :',
    bad: 'false :',
  },
  {
    what: 'exit code 0 is believed after a second read error',
    file: 'orchestrator/core/retries.ts',
    good: '(attempt.doubt ?? right?.doubt)?.readError ?? outcome.readError;',
    bad: 'null;',
  },
  {
    what: 'a relay does not ask for what was written while it was away',
    from: 430,
    file: 'pms/relay/jobs.ts',
    good: '        job.resync = job.submitted;\n',
    bad: '',
  },
  {
    what: 'stdout of a second attempt follows that of the first',
    from: 260,
    file: 'pms/relay/heldJob.ts',
    good: 'return this.hasStdout && this.attempt > this.#outputAttempt;',
    bad: 'return false;',
  },
  {
    what: 'a job that is submitted twice runs twice',
    file: 'orchestrator/core/submissions.ts',
    good: 'core.jobs.get(spec.jobId) ?? core.history.get(spec.jobId)',
    bad: 'core.history.get(spec.jobId)',
  },
  {
    what: 'deadlines fall due before what came while the orchestrator stood still was read',
    file: 'orchestrator/driver.ts',
    good: '    if (late > LATE_MS) this.#stoodStillMs += late + SETTLE_MS;\n',
    bad: '',
  },
  {
    what: 'an attempt that hung when its job was given to another worker ends the job when it no longer hangs',
    from: 1345,
    file: 'worker/attempts/attempts.ts',
    good: "attempt.giveUp('the orchestrator lists it no longer')",
    bad: "attempt.end('SIGTERM')",
  },
  {
    what: 'an orchestrator that was deposed is obeyed by those who know better',
    worlds: 'elections',
    file: 'shared/protocol/terms.ts',
    good: '    if (term < this.#highest && now - this.#lostAt < TERM_MEMORY_MS) return false;\n',
    bad: '',
  },
  {
    what: 'a worker is told to go although nobody else could take what it runs',
    worlds: 'scaled',
    file: 'orchestrator/core/scaleGroup.ts',
    good: 'const held = scalable === false ? 0 :',
    bad: 'const held = scalable !== false ? 0 :',
  },
  {
    what: 'what jobs needed is forgotten at once',
    from: 35,
    worlds: 'scaled',
    file: 'orchestrator/core/scaleGroup.ts',
    good: 'since(now - stabilisationMs)',
    bad: 'since(now)',
  },
  {
    what: 'a pod is removed while somebody watches',
    from: 110,
    worlds: 'scaled',
    file: 'orchestrator/core/ordinals.ts',
    good: ' || (running > 0 && now - leavingSince < drainTimeoutMs)',
    bad: '',
  },
  {
    what: 'playback moves as soon as its worker is to go',
    worlds: 'scaled',
    file: 'orchestrator/core/drain.ts',
    good: "(job) => job.spec.jobClass === 'background'",
    bad: '() => true',
  },
];

export interface Verdict {
  readonly caught: boolean;
  readonly printed: string;
}

/** Runs the simulation over a copy of the project that is broken in this way. */
export async function tryMutant(mutant: Mutant, seeds: number): Promise<Verdict> {
  const copy = await mkdtemp(join(tmpdir(), 'mutant-'));
  try {
    for (const path of COPIED) await cp(join(ROOT, path), join(copy, path), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const file = join(copy, mutant.file);
    const parts = (await readFile(file, 'utf8')).split(mutant.good);
    if (parts.length !== 2) throw new Error(`${mutant.file} has not exactly one ${mutant.good}`);
    await writeFile(file, parts.join(mutant.bad));
    const { from = 1 } = mutant;
    const worlds = mutant.worlds ? [`--${mutant.worlds}`] : [];
    const words = ['--seeds', seeds, '--from', from, '--failures', 1].map(String);
    const child = spawn(process.execPath, ['test/simulation/main.ts', ...words, ...worlds], {
      cwd: copy,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [printed] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    return { caught: child.exitCode === 1 && printed.includes('smallest plan'), printed };
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}
