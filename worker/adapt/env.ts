import type { ByteString } from '#shared/bytes.ts';
import { PASSED_VARIABLES, WORKER_VARIABLES } from '#shared/env.ts';
import type { Environment } from '#shared/settings/read.ts';

/** The transcoder's environment: what may pass of PMS's, and over it what describes this machine. */
export function transcoderEnv(
  fromPms: Readonly<Record<string, ByteString>>,
  own: Environment,
): Record<string, ByteString> {
  const env: Record<string, ByteString> = {};
  for (const name of PASSED_VARIABLES) {
    const value = fromPms[name];
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...ownEnv(own) };
}

/** What describes this machine, and nothing else of the worker's environment, which holds its tokens. */
export function ownEnv(own: Environment): Record<string, string> {
  return Object.fromEntries(
    WORKER_VARIABLES.flatMap((name) => {
      const value = own[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
