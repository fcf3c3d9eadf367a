import type { ByteString } from '#shared/bytes.ts';
import { type Launched, spawnShell } from '../../worker/transcoder/launch.ts';

/** Starts a program as PMS would, with arguments, variables and a directory of any bytes. */
export function startProgram(program: {
  readonly file: string;
  readonly argv: readonly ByteString[];
  readonly env: Readonly<Record<string, ByteString>>;
  readonly cwd: ByteString;
}): Launched {
  const { file, argv, env, cwd } = program;
  const launched = spawnShell(
    'cd -- "$1" || exit 1; shift; unset PWD OLDPWD; exec "$@" 3>&-',
    [cwd, file, ...argv],
    env,
  );
  launched.report.resume();
  return launched;
}
