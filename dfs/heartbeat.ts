import type { Clock } from '#shared/clock.ts';
import { Script } from '#shared/storage/script.ts';

/** What a beat found. */
export type Beat = 'fine' | 'stale' | 'failed';

const NO_FILE = 4;
const UNREADABLE = 5;

/** Of the file $2 the beginning, past this machine's cache. */
const READ = `dd if="$2" of=/dev/null bs=4096 count=1 iflag=direct status=none || exit ${UNREADABLE}`;

/** What the file system ($1) says of itself nobody remembers, so the question goes to the server, and there to the daemon. */
const PULSE = `
export LC_ALL=C
exec 2>&1
stat -f -c %T -- "$1" || exit 1
[ -n "$2" ] || exit 0
${READ}
`;

/** Looks for a file that can be read, and says which: the one after so many ($2). */
const SCOUT = `
export LC_ALL=C
file=$(find "$1" -maxdepth 3 -type f -size +0 2>/dev/null | sed -n "$(($2 + 1)){p;q}")
[ -n "$file" ] || exit ${NO_FILE}
set -- "$1" "$file"
exec 2>/dev/null
${READ}
printf %s "$file"
`;

/** Whether what is mounted answers, asked in processes that may hang. Each mount has its own. */
export class Heartbeat {
  readonly #path: string;
  readonly #pulse: Script;
  readonly #scout: Script;
  /** A file that could be read through this mount. One that never could says nothing of the mount. */
  #file = '';
  #skipped = 0;
  #isLooking = false;

  constructor(path: string, clock: Clock, limitMs: number) {
    this.#path = path;
    this.#pulse = new Script(PULSE, clock, limitMs);
    this.#scout = new Script(SCOUT, clock, limitMs);
  }

  /** What it reads of, once something could be read; else empty. */
  get file(): string {
    return this.#file;
  }

  /** Null when it hangs. */
  async beat(): Promise<Beat | null> {
    const end = await this.#pulse.run([this.#path, this.#file]);
    if (end === null) return null;
    if (end.code === 0) {
      if (this.#file === '' && !this.#isLooking) void this.#look();
      return 'fine';
    }
    if (/stale file handle/i.test(end.said)) return 'stale';
    if (end.code !== UNREADABLE || /timed out/i.test(end.said)) return 'failed';
    // The file is gone, or damaged where it comes from: the mount answered.
    this.#file = '';
    this.#skipped += 1;
    return 'fine';
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    const end = await this.#scout.run([this.#path, String(this.#skipped)]).catch(() => null);
    if (end?.code === 0) this.#file = end.said;
    else if (end?.code === NO_FILE) this.#skipped = 0;
    else this.#skipped += 1;
    this.#isLooking = false;
  }
}
