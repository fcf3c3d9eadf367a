import type { CommandView, KeptRecord } from '#shared/api/records.ts';
import { readCommand } from '#shared/argv/command.ts';
import { keyOfElement, spliced, splicesBetween } from '#shared/argv/splice.ts';
import type { ByteString } from '#shared/bytes.ts';
import { JobSecrets } from '#shared/jobSecrets.ts';
import type { Attempt, Job } from '../core/model.ts';
import type { Records } from '../records.ts';

type AttemptCommand = CommandView['attempts'][number];

/** Commands and output as people may see them: nothing leaves here with a secret in it. */
export class RecordViews {
  readonly #records: Records;
  readonly #ownTokens: readonly (string | null)[];

  constructor(records: Records, ownTokens: readonly (string | null)[]) {
    this.#records = records;
    this.#ownTokens = ownTokens;
  }

  command(job: Job): CommandView {
    const secrets = this.#secretsOf(job);
    const { jobId, argv: sent } = job.spec;
    const splices = this.#records.givenOf(job);
    const original = splices && spliced(sent, splices);
    const given = original ?? sent;
    const argv = secrets.argv(given);
    const lines = linesOf(argv);
    return {
      ...{ jobId, argv, lines, isGiven: original !== null },
      attempts: job.attempts.map((attempt) => {
        const { number, worker } = attempt;
        const ran = this.#ran(job, attempt);
        const how = { attempt: number, worker };
        if (typeof ran === 'string') return { ...how, ran, argv: null, difference: null };
        if (isSame(ran, given)) return { ...how, ran: 'as-given', argv: null, difference: null };
        const shown = secrets.argv(ran);
        return { ...how, ran: 'changed', argv: shown, difference: difference(lines, linesOf(shown)) };
      }),
    };
  }

  /** Whole lines: of half a secret nobody can tell that it is one. */
  stderr(job: Job, attempt: Attempt): string {
    const bytes = this.#records.stderrOf(attempt);
    const text = bytes.toString('utf8');
    const start = this.#records.isCut(attempt) ? text.search(/[\r\n]/) + 1 || text.length : 0;
    // Of one that was lost nobody knows whether there was more.
    const isOver = attempt.phase === 'ended' && attempt.outcome?.reason !== 'lost';
    const end = isOver ? text.length : Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1;
    return this.#secretsOf(job).text(text.slice(start, end));
  }

  /** Null of a job that ended well, or because somebody ended it. */
  kept(job: Job): KeptRecord | null {
    const { outcome } = job;
    if (!outcome || outcome.reason === 'cancelled' || outcome.exitCode === 0) return null;
    return {
      command: this.command(job),
      stderr: job.attempts.map((attempt) => {
        return { attempt: attempt.number, text: this.stderr(job, attempt) };
      }),
    };
  }

  #ran(job: Job, attempt: Attempt): readonly ByteString[] | 'unknown' | 'not-started' {
    const splices = this.#records.splicesOf(attempt);
    if (splices) return spliced(job.spec.argv, splices) ?? 'unknown';
    return attempt.startedAt === null ? 'not-started' : 'unknown';
  }

  #secretsOf({ spec }: Job): JobSecrets {
    return new JobSecrets(spec, this.#ownTokens);
  }
}

function isSame(one: readonly ByteString[], other: readonly ByteString[]): boolean {
  return splicesBetween(one, other, keyOfElement).length === 0;
}

/** Each option with its value. */
function linesOf(argv: readonly string[]): string[][] {
  const { inputs, outputs, trailing } = readCommand(argv);
  const options = [...inputs, ...outputs].flatMap((file) => file.options).concat(trailing);
  const values = new Set([
    ...options.map(({ valueIndex }) => valueIndex),
    ...inputs.map(({ index }) => index),
  ]);
  const lines: string[][] = [];
  for (const [index, element] of argv.entries()) {
    if (values.has(index)) lines.at(-1)?.push(element);
    else lines.push([element]);
  }
  return lines;
}

function difference(before: readonly string[][], after: readonly string[][]): AttemptCommand['difference'] {
  const lines: NonNullable<AttemptCommand['difference']> = [];
  const add = (change: 'kept' | 'removed' | 'added', some: readonly string[][]): void => {
    for (const line of some) lines.push({ change, line });
  };
  let from = 0;
  for (const { at, remove, insert } of splicesBetween(before, after, (line) => JSON.stringify(line))) {
    add('kept', before.slice(from, at));
    add('removed', before.slice(at, at + remove));
    add('added', insert);
    from = at + remove;
  }
  add('kept', before.slice(from));
  return lines;
}
