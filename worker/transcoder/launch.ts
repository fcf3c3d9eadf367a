import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { type ByteString, bytesOf } from '#shared/bytes.ts';
import { invariant } from '#shared/errors.ts';

export interface Command {
  /** The transcoder; also its argv[0]. */
  readonly file: string;
  readonly argv: readonly ByteString[];
  readonly env: Readonly<Record<string, ByteString>>;
  readonly cwd: ByteString;
}

export interface Launched {
  readonly child: ChildProcess;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Ends when the transcoder has taken over from the shell; says before what went wrong, if something did. */
  readonly report: Readable;
}

/** What the shell says when it can't become the transcoder. */
export const LAUNCH_FAILURES = ['cwd', 'transcoder'] as const;

/**
 * A shell that becomes the transcoder. It enters the cwd, because a chdir into a hung mount would freeze whoever does
 * it, and Node's own spawn makes the worker wait for it; and it carries bytes that are not UTF-8, which Node's strings
 * can't. It reports on descriptor 3, which closes when the transcoder takes over.
 */
const BECOME_TRANSCODER = `
cd -- "$1" 2>/dev/null || { echo cwd >&3; exit 75; }
shift
[ -f "$1" ] && [ -x "$1" ] || { echo transcoder >&3; exit 75; }
unset PWD OLDPWD
exec "$@" 3>&-
`;
/** Node's pipes are sockets, which can't be opened again under /proc/self/fd. */
const READ_WORDS = 'eval "$(cat <&4)"';

/**
 * Starts a transcoder in a process group of its own. Failures of the system arrive as the child's `error` event.
 *
 * @throws for what no program can be started with, such as a NUL byte in an argument
 */
export function launch({ file, argv, env, cwd }: Command): Launched {
  const words = [cwd, file, ...argv];
  const plain = words.filter(isText);
  const isPlain = plain.length === words.length && Object.values(env).every(isText);
  const child = spawn(
    '/bin/sh',
    isPlain ? ['-c', BECOME_TRANSCODER, 'sh', ...plain] : ['-c', `${READ_WORDS}\n${BECOME_TRANSCODER}`],
    {
      cwd: '/',
      env: textOnly(env),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...(isPlain ? [] : (['pipe'] as const))],
    },
  );
  const { stdout, stderr } = child;
  const report = child.stdio[3];
  invariant(stdout && stderr && isReadable(report), 'launch-pipes');
  if (!isPlain) sendWords(child, words, env);
  return { child, stdout, stderr, report };
}

/** Writes a script that sets the shell's words and the variables that Node could not pass. */
function sendWords(child: ChildProcess, words: readonly ByteString[], env: Command['env']): void {
  const pipe = child.stdio[4];
  invariant(pipe && 'write' in pipe, 'launch-words');
  // A shell that could not be started leaves a broken pipe; its `error` event says so.
  pipe.on('error', () => undefined);
  for (const [name, value] of Object.entries(env)) {
    if (!isText(value)) pipe.write(`${assignment(name, value)}; export ${name}\n`);
  }
  const quoted = words.map((word, index) => {
    if (isText(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
    pipe.write(`${assignment(`word${index}`, word)}\n`);
    return `"$word${index}"`;
  });
  pipe.end(`set -- ${quoted.join(' ')}\nexec 4<&-\n`);
}

/** A command substitution drops newlines at its end; the x keeps them from being there. */
function assignment(name: string, value: ByteString): string {
  const octal = [...bytesOf(value)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  return `${name}=$(printf '${octal}x'); ${name}=\${${name}%x}`;
}

function textOnly(env: Command['env']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (isText(value) ? [[name, value]] : [])),
  );
}

function isText(value: ByteString): value is string {
  return typeof value === 'string';
}

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === 'object' && stream !== null && 'read' in stream;
}
