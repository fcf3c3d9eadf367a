import { batch, effect, signal } from '@preact/signals';
import type { HistoryView, JobView } from '#shared/api/schemas.ts';
import { get, problemOf } from './api.ts';
import { connection, history } from './store.ts';

/** The most that the API gives at once. */
const LIMIT = '200';

export interface Wanted {
  /** A part of title, session or id; in the empty text nothing is looked for. */
  readonly search: string;
  /** Null: all classes. */
  readonly jobClass: string | null;
}

/** Jobs that ended before those that the orchestrator has in memory, latest first, as far as they were asked for. */
export const older = signal<readonly JobView[]>([]);
/** Where there are more of them; null: nowhere. */
export const more = signal<string | null>(null);
/** Whether the first of them are yet to come. */
export const finding = signal(true);
/** Why they could not be read. */
export const hindrance = signal<string | null>(null);
/** Counts the questions: an answer to an earlier one comes too late. */
let asked = 0;

// Not for whoever signed out.
effect(() => {
  if (connection.value === 'sign-in') forget();
});

function forget(): void {
  asked += 1;
  batch(() => {
    older.value = [];
    more.value = null;
    finding.value = true;
    hindrance.value = null;
  });
}

export function findOlder(wanted: Wanted): Promise<void> {
  forget();
  return ask(wanted, history.peek().at(-1)?.endedAt ?? null);
}

export function findMore(wanted: Wanted): Promise<void> {
  return ask(wanted, more.value);
}

async function ask({ search, jobClass }: Wanted, before: string | null): Promise<void> {
  asked += 1;
  const question = asked;
  const given = Object.entries({ search: search || null, class: jobClass, before, limit: LIMIT });
  const query = new URLSearchParams(
    given.flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
  const found = await get<HistoryView>(`history?${query}`).catch(problemOf);
  if (question !== asked) return;
  batch(() => {
    finding.value = false;
    hindrance.value = typeof found === 'string' ? found : null;
    if (typeof found === 'string') return;
    older.value = [...older.value, ...found.jobs];
    more.value = found.next;
  });
}
