import type { Clock } from '../clock.ts';
import { coerceError } from '../errors.ts';
import type { DeclaredMount } from './mounts.ts';
import { DEADLINE_MS, Script, type ScriptEnd } from './script.ts';

const MISSING = 3;
const UNREADABLE = 4;
const UNWRITABLE = 5;

/** Where in a shared directory the proofs are. */
const PROOFS = '.clusterplex';

/**
 * Everybody writes there, whoever made it, and so anybody may have put a link where a file is to be: none is followed.
 * What is an hour old nobody looks for any more. It is called ($0) as no other run of it: of two in different containers
 * the pids may be the same.
 */
const SCRIPT = `
exec 2>/dev/null
set -C
export LC_ALL=C
[ -d "$1" ] || exit ${MISSING}
entries=$(ls -- "$1") || exit ${UNREADABLE}
printf 'place %s\\n' "$(cd -P -- "$1" && pwd -P)"
proofs="$1/${PROOFS}" probe="$1/.clusterplex-probe-$0" mode=$2 write=$3 remove=$4 find=$5
shift 5
# Not with ":", a special builtin, whose failed redirection ends the whole script.
[ "$mode" = ro ] || { printf '' > "$probe" && rm -f -- "$probe"; } || exit ${UNWRITABLE}
if [ -n "$write" ]; then
  [ -d "$proofs" ] || mkdir -m 1777 -- "$proofs"
  [ ! -L "$proofs" ] && { printf '%s\\n' "$write" > "$proofs/$write"; } && echo wrote
  [ -z "$remove" ] || rm -f -- "$proofs/$remove"
  [ -z "$find" ] || find "$proofs" -type f '(' -name 'pms-*' -o -name 'worker-*' ')' -mmin +60 -exec rm -f -- {} +
fi
for name; do
  line=
  { read -r line < "$proofs/$name"; }
  [ "$line" != "$name" ] || printf 'proof %s\\n' "$name"
done
if [ -n "$find" ]; then
  for file in "$proofs/$find"*; do printf 'found %s\\n' "\${file##*/}"; done
fi
printf '\\n%s\\n' "$entries" | head -n 1000
exit 0
`;

export interface Question {
  /** Proofs to look for. */
  readonly names: readonly string[];
  /** A proof to write. */
  readonly write: string | null;
  /** A proof that is to go. */
  readonly remove: string | null;
  /** How the names of proofs begin that are to be listed. */
  readonly find: string | null;
}

export interface Answer {
  /** What is wrong with the mount: null when nothing is, `absent` when an optional one does not exist. */
  readonly problem: string | null;
  readonly absent: boolean;
  /** It could be entered, but not be written. */
  readonly unwritable: boolean;
  /** Where the directory is, without symbolic links. */
  readonly place: string | null;
  readonly wrote: boolean;
  /** Those of `names` that are there, whole. */
  readonly proofs: ReadonlySet<string>;
  readonly found: readonly string[];
  /** The first names in it, without hidden ones; null when it could not be listed. */
  readonly entries: readonly string[] | null;
}

const NOTHING: Answer = {
  ...{ problem: null, absent: false, unwritable: false, place: null, wrote: false },
  ...{ proofs: new Set<string>(), found: [], entries: null },
};
const ONLY_LOOK: Question = { names: [], write: null, remove: null, find: null };

/** Tries one mount again and again. */
export class MountProbe {
  readonly #mount: DeclaredMount;
  readonly #script: Script;

  constructor(mount: DeclaredMount, clock: Clock) {
    this.#mount = mount;
    this.#script = new Script(SCRIPT, clock);
  }

  async run({ names, write, remove, find }: Question = ONLY_LOOK): Promise<Answer> {
    const { path, mode } = this.#mount;
    try {
      const end = await this.#script.run([path, mode, write ?? '', remove ?? '', find ?? '', ...names]);
      if (end) return this.#judge(end);
      return { ...NOTHING, problem: `${path} does not answer within ${DEADLINE_MS} ms` };
    } catch (error) {
      return { ...NOTHING, problem: `${path} could not be tried: ${coerceError(error).message}` };
    }
  }

  #judge({ code, said }: ScriptEnd): Answer {
    const { path, mode, optional } = this.#mount;
    const answer = read(said);
    switch (code) {
      case 0:
        return answer;
      case MISSING:
        return optional
          ? { ...NOTHING, absent: true }
          : { ...NOTHING, problem: `${path} does not exist; mount it, or correct MOUNTS` };
      case UNREADABLE:
        return { ...NOTHING, problem: `${path} can't be read as this user${user()}` };
      case UNWRITABLE: {
        const problem = `${path} can't be written as this user${user()}, but MOUNTS says ${mode}`;
        return { ...answer, entries: null, unwritable: true, problem };
      }
      default:
        return { ...NOTHING, problem: `${path} could not be tried: the probe ended with ${code}` };
    }
  }
}

function read(said: string): Answer {
  const [head = '', ...rest] = said.split('\n\n');
  const lines = head.split('\n');
  const after = (word: string): string[] =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  return {
    ...NOTHING,
    place: after('place')[0] ?? null,
    wrote: lines.includes('wrote'),
    proofs: new Set(after('proof')),
    found: after('found'),
    entries: rest
      .join('\n\n')
      .split('\n')
      .filter((name) => name !== ''),
  };
}

function user(): string {
  return process.getuid ? ` (uid ${process.getuid()})` : '';
}
