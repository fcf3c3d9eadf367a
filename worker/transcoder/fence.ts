import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ByteString, bytesOf } from '#shared/bytes.ts';
import { ownerFile } from '#shared/ownerFile.ts';
import { Helper, type HelperSurroundings } from './helper.ts';

/** What an attempt writes into its job's cwd before it starts, so that no earlier one goes on beside it. */
export interface Ownership {
  /** Name of the owner file in the cwd. */
  readonly file: string;
  /** The attempt: who has the higher one owns the job. */
  readonly number: number;
  /** Tells two writers with the same number apart. */
  readonly writer: string;
}

export function ownershipOf(jobId: string, number: number, writer: string): Ownership {
  return { file: ownerFile(jobId), number, writer };
}

/**
 * Reads the owner files of all running attempts once a second, which on NFS sees what other machines wrote because each
 * time it opens them anew, and kills the process group of an attempt that no longer owns its job. A process of its own:
 * it works while the worker is cut off, and a dead mount hangs nobody else. Where two attempts start in the same moment
 * the earlier one may write last; the later one then says again who owns the job. A file that can't be read kills nothing.
 *
 * Each attempt is a symbolic link in a local directory, called `GROUP.NUMBER`, to its owner file: links take any bytes.
 */
const SCRIPT = `
while sleep 1; do
  for link in "$1"/*.*; do
    [ -e "$link" ] || continue
    name=\${link##*/}
    group=\${name%%.*} number=\${name##*.}
    case $number in *[!0-9]*) continue ;; esac
    current= by=
    read -r current by < "$link" || continue
    case $current in ''|*[!0-9]*) continue ;; esac
    if [ "$current" -gt "$number" ] || { [ "$current" -eq "$number" ] && [ "$by" != "$2" ]; }; then
      : > "$1/$name.superseded"
      kill -KILL "-$group"
    elif [ "$current" -lt "$number" ]; then
      printf '%s %s\\n' "$number" "$2" > "$link"
    fi
  done
done 2>/dev/null
`;

/** Sees to it that no attempt goes on writing once another owns its job. */
export class FenceWatch {
  readonly #directory = mkdtempSync(join(tmpdir(), 'clusterplex-fence-'));
  readonly #helper: Helper;

  /** @param env carries the worker's mark, so that the watch ends with the worker */
  constructor(writer: string, env: Readonly<Record<string, string>>, surroundings: HelperSurroundings) {
    this.#helper = new Helper({
      ...surroundings,
      name: 'clusterplex-fence',
      script: SCRIPT,
      words: [this.#directory, writer],
      env,
      endsWithWorker: false,
    });
  }

  start(): void {
    this.#helper.start();
  }

  /**
   * The attempt's transcoder runs in this process group.
   *
   * @throws when it can't be watched
   */
  watch(group: number, cwd: ByteString, { file, number }: Ownership): void {
    const target = Buffer.concat([bytesOf(cwd), Buffer.from(`/${file}`)]);
    // Something may have tidied up the directory of temporary files.
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    symlinkSync(target, this.#link(group, number));
  }

  /** The transcoder has ended. Returns whether the watch ended it. */
  unwatch(group: number, { number }: Ownership): boolean {
    const link = this.#link(group, number);
    rmSync(link, { force: true });
    const superseded = existsSync(`${link}.superseded`);
    if (superseded) rmSync(`${link}.superseded`, { force: true });
    return superseded;
  }

  stop(): void {
    this.#helper.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #link(group: number, number: number): string {
    return join(this.#directory, `${group}.${number}`);
  }
}
