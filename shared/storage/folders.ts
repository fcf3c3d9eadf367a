import type { Clock } from '../clock.ts';
import { fingerprintOf } from './fingerprint.ts';
import { Script } from './script.ts';

/** A library may have 10,000 folders, and each as many files: both sides read the first ones, in the order of bytes. */
const FOLDERS = 8;
const NAMES_TRIED = 32;
const NAMES_READ = 200;
/** Of each folder, so that one that only one side may read is of no great weight. */
const HASHES_OF_EACH = 4;

export const FOLDERS_FINGERPRINT_SIZE = FOLDERS * HASHES_OF_EACH;

/** A name has no slash: before one stands the folder whose names follow. Links may lead elsewhere on each side. */
const SCRIPT = `
exec 2>/dev/null
export LC_ALL=C
left=${FOLDERS}
ls -- "$1" | head -n ${NAMES_TRIED} | while IFS= read -r name; do
  [ -d "$1/$name" ] && [ ! -L "$1/$name" ] || continue
  printf '/%s\\n' "$name"
  ls -- "$1/$name" | head -n ${NAMES_READ}
  left=$((left - 1))
  [ $left -gt 0 ] || break
done
`;

/** The fingerprint of what is in a directory's folders, of which only the first few are read. */
export class Folders {
  readonly #path: string;
  readonly #script: Script;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#script = new Script(SCRIPT, clock);
  }

  /** Null when nobody knows: one of them may hang, or be a mount that does. */
  async fingerprint(): Promise<readonly string[] | null> {
    const end = await this.#script.run([this.#path]).catch(() => null);
    if (end === null) return null;
    const [, ...folders] = `\n${end.said}`.split('\n/');
    return folders.flatMap((folder) => {
      const [name = '', ...names] = folder.split('\n').filter((line) => line !== '');
      return fingerprintOf(names.map((each) => `${name}/${each}`)).slice(0, HASHES_OF_EACH);
    });
  }
}
