import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { type ByteString, bytesOf } from '#shared/bytes.ts';
import { invariant } from '#shared/errors.ts';
import type { Ownership } from './fence.ts';

export interface Command {
  /** The transcoder; also its argv[0]. */
  readonly file: string;
  readonly argv: readonly ByteString[];
  readonly env: Readonly<Record<string, ByteString>>;
  readonly cwd: ByteString;
  readonly ownership: Ownership;
  readonly confinement: Confinement;
}

/** A place that a command may use, or that it names. */
export interface Place {
  readonly path: ByteString;
  readonly mode: 'ro' | 'rw';
}

/** What holds when every link in a command's paths is followed; whether the paths themselves are allowed was seen before. */
export interface Confinement {
  /** Directories; those that are not there allow nothing. */
  readonly roots: readonly Place[];
  /** Absolute. One that is not there leads nowhere. */
  readonly files: readonly Place[];
}

export interface Launched {
  readonly child: ChildProcess;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Ends when the transcoder has taken over from the shell; says before what went wrong, if something did. */
  readonly report: Readable;
}

/**
 * A shell that becomes the transcoder, once it owns the job. It creates the attempt's own claim, which only one can at a
 * time, and then makes that the owner file, for all others to see. Whoever claims the same number later finds it there.
 *
 * It enters the cwd, because a chdir into a hung mount would freeze whoever does it, and Node's own spawn makes the
 * worker wait for it; and it carries bytes that are not UTF-8, which Node's strings can't. It reports on descriptor 3,
 * which closes when the transcoder takes over.
 */
const BECOME_TRANSCODER = `
cwd=$1 owner=$2 number=$3 writer=$4 roots=$5
shift 5
at=0
while [ "$at" -lt "$roots" ]; do
  at=$((at + 1)) root=
  cd -P -- "$2" 2>/dev/null && root=\${PWD%/}/
  eval "mode$at=\\$1 root$at=\\$root"
  shift 2
done
files=$1
shift
while [ "$files" -gt 0 ]; do
  files=$((files - 1)) place=\${2%/*} name=\${2##*/}
  if [ -d "$2" ]; then
    place=$2 name=
  elif [ -L "$2" ]; then
    place=$(readlink -f -- "$2" && printf x) place=\${place%?x}
    name=\${place##*/} place=\${place%/*}
  fi
  if cd -P -- "\${place:-/}" 2>/dev/null; then
    real=\${PWD%/}/$name at=0 allowed=
    while [ "$at" -lt "$roots" ]; do
      at=$((at + 1))
      eval "root=\\$root$at mode=\\$mode$at"
      [ "$root" ] && [ "$1" = ro -o "$mode" = rw ] || continue
      case $real/ in "$root"*) allowed=1 ;; esac
    done
    [ "$allowed" ] || { printf 'link %s' "$2" >&3; exit 75; }
  fi
  shift 2
done
# No dump of its memory, which holds tokens; and where memory runs out it goes before the worker does.
ulimit -c 0
echo 500 2>/dev/null > /proc/self/oom_score_adj
cd -- "$cwd" 2>/dev/null || { echo cwd >&3; exit 75; }
[ -f "$1" ] && [ -x "$1" ] || { echo transcoder >&3; exit 75; }
claim=$owner.$number current= by=
set -C
if ! true 2>/dev/null > "$claim"; then
  [ -e "$claim" ] && echo superseded >&3 || echo owner >&3
  exit 75
fi
set +C
# Read after the claim, which also makes NFS look anew.
[ ! -e "$owner" ] || read -r current by < "$owner"
case $current in *[!0-9]*) current= ;; esac
if [ "\${current:-0}" -ge "$number" ]; then
  rm -f "$claim"
  echo superseded >&3
  exit 75
fi
{ printf '%s %s\\n' "$number" "$writer" > "$claim" && mv -f "$claim" "$owner"; } 2>/dev/null ||
  { rm -f "$claim"; echo owner >&3; exit 75; }
unset PWD OLDPWD current by claim owner number writer
exec "$@" 3>&-
`;
/** Node's pipes are sockets, which can't be opened again under /proc/self/fd. */
const READ_WORDS = 'eval "$(cat <&4)"';

/**
 * Starts a transcoder in a process group of its own. Failures of the system arrive as the child's `error` event.
 *
 * @throws for what no program can be started with, such as a NUL byte in an argument, and when there are no pipes left
 */
export function launch({ file, argv, env, cwd, ownership, confinement }: Command): Launched {
  const { file: owner, number, writer } = ownership;
  const places = [confinement.roots, confinement.files].flatMap((list) => {
    return [String(list.length), ...list.flatMap(({ mode, path }) => [mode, path])];
  });
  return spawnShell(BECOME_TRANSCODER, [cwd, owner, String(number), writer, ...places, file, ...argv], env);
}

/** Runs a script in a process group of its own, with words and variables of any bytes. */
export function spawnShell(
  script: string,
  words: readonly ByteString[],
  env: Readonly<Record<string, ByteString>>,
): Launched {
  const plain = words.filter(isText);
  const isPlain = plain.length === words.length && Object.values(env).every(isText);
  const child = spawn(
    '/bin/sh',
    isPlain ? ['-c', script, 'sh', ...plain] : ['-c', `${READ_WORDS}\n${script}`],
    {
      cwd: '/',
      env: textOnly(env),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...(isPlain ? [] : (['pipe'] as const))],
    },
  );
  const { stdout, stderr } = child;
  if (!stdout) {
    // Without pipes there is nothing to go on with; the `error` event only says it again, later.
    child.on('error', () => undefined);
    throw new Error('too many files are open, by this worker or on this machine');
  }
  const report = child.stdio[3];
  invariant(stderr && isReadable(report), 'launch-pipes');
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
