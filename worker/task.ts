import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { coerceError } from '#shared/errors.ts';
import type { Environment } from '#shared/settings/read.ts';
import { sendSignal } from './transcoder/marked.ts';

/** What a task may need of the worker's environment to reach the network. */
const VARIABLES = [
  'PATH',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_USE_ENV_PROXY',
  'NODE_EXTRA_CA_CERTS',
];

export interface TaskOptions<Options, Report> {
  readonly program: URL;
  readonly options: Options;
  /** The worker's environment. */
  readonly env: Environment;
  /** The worker's mark, so that the task ends with the worker. */
  readonly mark: Readonly<Record<string, string>>;
  isReport(value: unknown): value is Report;
  said(report: Report): void;
  /** It runs no more; `problem` says why, when it ended in any other way than by itself. */
  ended(problem: string | null): void;
}

/** Work on a volume that may hang or on the network, in a process of its own. */
export function startTask<Options, Report>(task: TaskOptions<Options, Report>): { stop(): void } {
  const { program, options, env, mark, isReport, said, ended } = task;
  const passed = VARIABLES.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  const child = spawn(process.execPath, [fileURLToPath(program)], {
    cwd: '/',
    env: { ...Object.fromEntries(passed), ...mark },
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  let problem: string | null = null;
  child.once('error', (error) => {
    problem = error.message;
    // Without a pid it never ran, and no end will say so.
    if (child.pid === undefined) ended(problem);
  });
  child.once('close', (code, signal) => {
    if (child.pid !== undefined) ended(code === 0 ? null : (problem ?? `it ended with ${signal ?? code}`));
  });
  // A task that died while it was told what to do; its end says so.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(JSON.stringify(options));
  if (child.stdout) {
    createInterface(child.stdout).on('line', (line) => {
      const report = parsed(line);
      if (isReport(report)) said(report);
    });
  }
  return {
    stop() {
      if (child.pid !== undefined) sendSignal(-child.pid, 'SIGKILL');
    },
  };
}

/** The other side: what the task's program does with its options. */
export async function serveTask<Options, Report>(
  run: (options: Options, say: (report: Report) => void) => Promise<void>,
): Promise<void> {
  // The worker wrote it, from the same sources.
  const options = JSON.parse(await text(process.stdin)) as Options;
  await run(options, (report) => process.stdout.write(`${JSON.stringify(report)}\n`));
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    return coerceError(error);
  }
}
