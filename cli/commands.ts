import { COMMON_OPTIONS, type Command } from './command.ts';
import { completionOf } from './commands/completion.ts';
import { doctor } from './commands/doctor.ts';
import { history } from './commands/history.ts';
import { cancel, job } from './commands/job.ts';
import { jobs } from './commands/jobs.ts';
import { logs } from './commands/logs.ts';
import { scale } from './commands/scale.ts';
import { status } from './commands/status.ts';
import { version } from './commands/version.ts';
import { drain, undrain, workers } from './commands/workers.ts';
import { PARTS } from './help.ts';

const completion = completionOf(() => [
  ...COMMANDS.map(({ name, summary, options = {} }) => {
    return {
      name,
      summary,
      options: Object.keys({ ...options, ...COMMON_OPTIONS }).map((each) => `--${each}`),
    };
  }),
  ...PARTS.map((part) => ({ ...part, options: ['--help'] })),
]);

/** All of them, as `--help` lists them. */
export const COMMANDS: readonly Command[] = [
  ...[status, jobs, job, history, workers, drain, undrain, cancel, logs, scale, doctor, version, completion],
];
