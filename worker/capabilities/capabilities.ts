import { access, constants, stat } from 'node:fs/promises';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { type Capabilities, NO_CAPABILITIES } from '#shared/capabilities.ts';
import type { Clock } from '#shared/clock.ts';
import { coerceError, systemErrorCode } from '#shared/errors.ts';
import type { Environment } from '#shared/settings/read.ts';
import { originalOf } from '../transcoder/original.ts';
import { shortRun } from './shortRun.ts';
import { softwareProved } from './software.ts';

const DEADLINE_MS = 10_000;
const ASK = new URL('ask.ts', import.meta.url).pathname;

const Answer = Type.Union([
  Type.Object({ problem: Type.String() }),
  Type.Object({
    encoders: Type.Array(Type.String()),
    decoders: Type.Array(Type.String()),
    filters: Type.Array(Type.String()),
  }),
]);
type Answer = Static<typeof Answer>;
const answer = Compile(Answer);

/** A program that the system, or the shell, could not start. */
const UNSTARTABLE = /spawn .* (ENOENT|EACCES|ENOEXEC)|exited with code 12[67]\b|Cannot find ffmpeg/;

export interface TranscoderCheck {
  /** What runs: the original where a hook stands in its place. */
  readonly file: string;
  /** Null when the transcoder can be started, else why not. */
  readonly problem: string | null;
  readonly capabilities: Capabilities;
  /** What it lists and failed at, and why. */
  readonly failures: Readonly<Record<string, string>>;
}

/** Of one that nothing is known of. */
const UNKNOWN = { capabilities: NO_CAPABILITIES, failures: {} };

/**
 * Whether the transcoder is there and can be started, and what it says it can do, without what it failed at when tried.
 * One that does not answer, or that knows no such question, is usable and claims nothing.
 *
 * @param env carries the worker's mark, so that a transcoder that hangs does not outlive the worker
 */
export async function checkTranscoder(
  given: string,
  env: Environment,
  clock: Clock,
): Promise<TranscoderCheck> {
  const file = await originalOf(given).catch(coerceError);
  if (file instanceof Error) return { ...UNKNOWN, file: given, problem: file.message };
  const unknown = { ...UNKNOWN, file };
  const problem = await whyNotExecutable(file);
  if (problem !== null) return { ...unknown, problem };
  const said = await ask(file, env, clock).catch(coerceError);
  if (said instanceof Error) {
    return { ...unknown, problem: `${file} could not be tried: ${said.message}` };
  }
  if (said === null) return { ...unknown, problem: null };
  if ('problem' in said && UNSTARTABLE.test(said.problem)) {
    return { ...unknown, problem: `${file} can't be started: ${said.problem}` };
  }
  const listed = 'encoders' in said ? said : NO_CAPABILITIES;
  const { proved, failures } = await softwareProved(listed, { file, env, clock });
  return { file, problem: null, capabilities: { ...NO_CAPABILITIES, ...proved }, failures };
}

async function whyNotExecutable(file: string): Promise<string | null> {
  const hint = 'correct TRANSCODER_PATH and TRANSCODER_NAME';
  try {
    const { isFile } = await stat(file).then((found) => ({ isFile: found.isFile() }));
    if (!isFile) return `${file} is not a file; ${hint}`;
    await access(file, constants.X_OK);
    return null;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return `${file} does not exist; ${hint}`;
    return `${file} can't be executed by this user (${systemErrorCode(error)})`;
  }
}

async function ask(file: string, env: Environment, clock: Clock): Promise<Answer | null> {
  const { stdout, error } = await shortRun({
    ...{ file: process.execPath, words: [ASK, file], env, clock, deadlineMs: DEADLINE_MS },
  });
  if (error) throw error;
  return parse(stdout);
}

function parse(text: string): Answer | null {
  try {
    const value: unknown = JSON.parse(text);
    return answer.Check(value) ? value : null;
  } catch {
    return null;
  }
}
