import { execFile } from 'node:child_process';
import { readFileSync, watch } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * What a recording transcoder does after it has written its record, one step after the other:
 * - `exit`, `signal`: end with this code, or die of this signal (`KILL`)
 * - `output`: write so many bytes, alternately to stdout and stderr; `expectedOutput` says which
 * - `log`: one line to stderr
 * - `append`: one line, its pid, to a file
 * - `ignore`, `onTerm`: from now on ignore SIGTERM, or exit with this code on it
 * - `child`: leave a child behind that runs on and holds stdout and stderr; `'setsid'`: in a session of its own
 * - `block`: until a signal ends it
 * - `busy`: the same, but something of it runs every second
 */
export type Step =
  | { readonly exit: number }
  | { readonly signal: string }
  | { readonly output: number }
  | { readonly log: string }
  | { readonly append: string }
  | { readonly ignore: 'TERM' }
  | { readonly onTerm: number }
  | { readonly child: 'plain' | 'setsid' }
  | { readonly block: true }
  | { readonly busy: true };

/** One run: what the process was given, byte for byte. */
export interface RunRecord {
  readonly pid: number;
  readonly cwd: Buffer;
  /** Without the program's name. */
  readonly argv: readonly Buffer[];
  /** `NAME=value`, in the order of the environment. */
  readonly env: readonly Buffer[];
}

export interface RecordingTranscoder {
  readonly path: string;
  /** Of every run that has no steps of its own. */
  behave(steps: readonly Step[]): Promise<void>;
  /** All runs so far, in no particular order. */
  records(): Promise<RunRecord[]>;
  /** Waits until there are so many runs. */
  waitForRecords(count: number): Promise<RunRecord[]>;
  /** The pids of the children that were left behind. */
  children(): Promise<number[]>;
  /** Kills every run that still goes on, and those children. */
  endAll(): Promise<void>;
}

/** In bytes. Short enough that a pipe takes it in one piece. */
const BLOCK_SIZE = 1_024;

/** Makes a run's steps part of its command: put these two in front of the arguments. The record has them, too. */
export function behaviour(...steps: readonly Step[]): [string, string] {
  return ['-x_behaviour', written(steps)];
}

/** What `{output: bytes}` writes. */
export function expectedOutput(bytes: number): { stdout: string; stderr: string } {
  let stdout = '';
  let stderr = '';
  for (let number = 0; number * BLOCK_SIZE < bytes; number++) {
    const block = `${String(number).padStart(8, '0')}${'.'.repeat(BLOCK_SIZE - 8)}`;
    const part = block.slice(0, bytes - number * BLOCK_SIZE);
    if (number % 2 === 0) stdout += part;
    else stderr += part;
  }
  return { stdout, stderr };
}

/**
 * Writes an executable into a directory that records how it was started, and then does as it is told. A shell script,
 * because a thousand of them must start in seconds.
 */
export async function installRecordingTranscoder(
  directory: string,
  name = 'Plex Transcoder',
): Promise<RecordingTranscoder> {
  const path = join(directory, name);
  const home = join(directory, `.${name}`);
  const records = join(home, 'records');
  const orders = join(home, 'behaviour');
  const childrenList = join(home, 'children');
  await mkdir(records, { recursive: true });
  await writeFile(orders, written([{ exit: 0 }]));
  await writeFile(childrenList, '');
  await promisify(execFile)('mkfifo', [join(home, 'never')]);
  await writeFile(path, script(home), { mode: 0o755 });

  const read = async (): Promise<RunRecord[]> => {
    const names = (await readdir(records)).filter((record) => !record.startsWith('.'));
    return Promise.all(names.map(async (record) => readRecord(await readFile(join(records, record)))));
  };
  const children = async (): Promise<number[]> =>
    (await readFile(childrenList, 'utf8')).split('\n').filter(Boolean).map(Number);

  return {
    path,
    behave: (steps) => writeFile(orders, written(steps)),
    records: read,
    waitForRecords: async (count) => {
      // Watching begins before looking, so that no record comes in between.
      const changes = watch(records);
      try {
        for (;;) {
          const changed = new Promise((resolve) => changes.once('change', resolve));
          const finished = (await readdir(records)).filter((record) => !record.startsWith('.'));
          if (finished.length >= count) return await read();
          await changed;
        }
      } finally {
        changes.close();
      }
    },
    children,
    endAll: async () => {
      const runs = (await readdir(records)).map((record) => record.replace(/^\./, '').split('-').map(Number));
      kill(runs.flatMap(([pid = 0, started]) => (startOf(pid) === started ? [pid] : [])));
      kill(await children());
    },
  };
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {}
  }
}

/** When a process was started: a pid alone may meanwhile be another's. */
function startOf(pid: number): number | null {
  try {
    return Number(
      readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ')[19],
    );
  } catch {
    return null;
  }
}

/** One step a line, for the script's `case`. */
function written(steps: readonly Step[]): string {
  return steps.flatMap((step) => Object.entries(step).map(([name, value]) => `${name}=${value}`)).join('\n');
}

/** pid, number of arguments and cwd come first; then `sh`, the script, the arguments, and the environment. */
function readRecord(bytes: Buffer): RunRecord {
  const parts: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, start)) {
    parts.push(bytes.subarray(start, end));
    start = end + 1;
  }
  const [pid, count, cwd = Buffer.alloc(0), , , ...rest] = parts;
  const argv = rest.slice(0, Number(count));
  // pwd ends its line.
  return { pid: Number(pid), cwd: cwd.subarray(0, -1), argv, env: rest.slice(argv.length) };
}

function script(home: string): string {
  return `#!/bin/sh
home='${home.replaceAll("'", "'\\''")}'

# A pid may come again; with the time of its start it can't.
started_at() {
  read -r stat < /proc/$$/stat
  set -- \${stat##*) }
  shift 19
  started=$1
}
started_at
{
  printf '%s\\0%s\\0' "$$" "$#"
  pwd -P
  printf '\\0'
  cat "/proc/$$/cmdline" "/proc/$$/environ"
} > "$home/records/.$$-$started"
mv "$home/records/.$$-$started" "$home/records/$$-$started"

dots=${'.'.repeat(BLOCK_SIZE - 8)}
output() {
  left=$1 number=0
  while [ "$left" -gt 0 ]; do
    size=$((left < ${BLOCK_SIZE} ? left : ${BLOCK_SIZE}))
    padded=00000000$number
    block=\${padded#"\${padded%????????}"}$dots
    case $((number % 2)) in
      0) printf "%.\${size}s" "$block" ;;
      1) printf "%.\${size}s" "$block" >&2 ;;
    esac
    left=$((left - size)) number=$((number + 1))
  done
}

if [ "$1" = -x_behaviour ]; then
  steps=$2
else
  steps=
  while IFS= read -r line || [ -n "$line" ]; do steps="$steps$line
"; done < "$home/behaviour"
fi
IFS='
'
set -f
for step in $steps; do
  value=\${step#*=}
  case $step in
    exit=*) exit "$value" ;;
    signal=*) kill -s "$value" $$ ;;
    output=*) output "$value" ;;
    log=*) echo "$value" >&2 ;;
    append=*) echo $$ >> "$value" ;;
    ignore=*) trap '' "$value" ;;
    onTerm=*) trap "exit $value" TERM ;;
    child=plain) sleep 3600 & echo $! >> "$home/children" ;;
    child=setsid)
      # It says so itself: only then is it sure to be in its own session.
      exec 3>&1
      setsid_child=$(setsid sh -c 'echo $$; exec sleep 3600 >&3 3>&-' &)
      exec 3>&-
      echo "$setsid_child" >> "$home/children" ;;
    busy=*) while :; do sleep 1 > /dev/null 2>&1 & wait $!; done ;;
    block=*) read -r _ <> "$home/never" ;;
  esac
done
`;
}
