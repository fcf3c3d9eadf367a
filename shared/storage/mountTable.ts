import { readFile } from 'node:fs/promises';
import { isUnder } from './mounts.ts';

/** What is mounted somewhere: a line of the kernel's table. */
export interface Mounted {
  readonly at: string;
  readonly type: string;
  readonly source: string;
  readonly options: string;
  /** The file system's number, `major:minor`, the same wherever it is mounted. */
  readonly device: string;
  /**
   * Another one where it was mounted anew, as long as anybody still uses what was mounted before; and in each mount
   * namespace, which every container has of its own.
   */
  readonly instance: string;
}

/** The kernel's table, which is read without asking any file system; empty where there is none. */
export async function mountTable(): Promise<readonly Mounted[]> {
  return mountsIn(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''));
}

export function mountsIn(table: string): Mounted[] {
  return table.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [id, , device = '', , at, options = ''] = before.split(' ');
    const [type, source = '', more = ''] = after.split(' ');
    if (at === undefined || type === undefined) return [];
    const all = [...new Set([...options.split(','), ...more.split(',')])];
    const instance = `${id} ${device}`;
    const mount = { at: unescaped(at), type, source: unescaped(source), options: all.join(',') };
    return [{ ...mount, device, instance }];
  });
}

/** What the directory is on. Of several mounts over one directory the last one counts. */
export function mountedAt(table: readonly Mounted[], directory: string): Mounted | null {
  const above = table.filter(({ at }) => isUnder(at, directory));
  const deepest = Math.max(...above.map(({ at }) => at.length));
  return above.findLast(({ at }) => at.length === deepest) ?? null;
}

export function isReadOnly({ options }: Mounted): boolean {
  return options.split(',').includes('ro');
}

function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
