import { closeSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Compile } from 'typebox/compile';
import { KeptRecord } from '#shared/api/records.ts';
import { JobStoryView, JobView } from '#shared/api/schemas.ts';
import type { HistoryPage, HistoryQuery } from './query.ts';

export interface StoreBounds {
  readonly days: number;
  readonly megabytes: number;
}

const DAY_MS = 86_400_000;
/** What the file says that it is, so that nobody takes another program's for it: "CPTS". */
const APPLICATION_ID = 0x43505453;
const VERSION = 1;
/** How long another process may hold the file. */
const BUSY_MS = 2_000;
/** SQLite's: the file is damaged, or was never one. */
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

// Numbers are not used again: of jobs that ended together, the later one has the higher.
const SCHEMA = `
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};
  CREATE TABLE jobs (
    serial INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    ended_at INTEGER NOT NULL,
    reason TEXT,
    class TEXT NOT NULL,
    worker TEXT,
    session TEXT,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    story TEXT NOT NULL
  ) STRICT;
  CREATE INDEX jobs_by_end ON jobs (ended_at, serial);
`;

// Not in the first form of the file: older orchestrators leave it alone, and what they drop of the jobs goes with them.
const RECORDS = `
  CREATE TABLE IF NOT EXISTS records (
    job_id TEXT PRIMARY KEY REFERENCES jobs (job_id) ON DELETE CASCADE,
    record TEXT NOT NULL
  ) STRICT;
`;

/** Of jobs that were written before the API said these. */
const NOT_SAID = { firstSegmentMs: null, hardware: null, ranOnPms: false };

const summaries = Compile(JobView);
const stories = Compile(JobStoryView);
const records = Compile(KeptRecord);

/** Ended jobs in an SQLite file. Everything here waits for the disk. */
export class HistoryStore {
  readonly #database: DatabaseSync;
  readonly #bounds: StoreBounds;

  private constructor(database: DatabaseSync, bounds: StoreBounds) {
    this.#database = database;
    this.#bounds = bounds;
  }

  /** Opens the file, or makes it. */
  static open(path: string, bounds: StoreBounds): HistoryStore {
    mkdirSync(dirname(path), { recursive: true });
    // SQLite's own files take their permissions from it. Titles are nobody else's business.
    closeSync(openSync(path, 'a', 0o600));
    const database = new DatabaseSync(path, { timeout: BUSY_MS });
    try {
      prepare(database);
      return new HistoryStore(database, bounds);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** All or none: when it fails, close. A job that is there already has ended once more, after a restart. */
  write(jobs: readonly JobStoryView[], now: number, badlyEnded: readonly KeptRecord[] = []): void {
    const database = this.#database;
    database.exec('BEGIN IMMEDIATE');
    const insert = database.prepare(
      `INSERT OR REPLACE INTO jobs (job_id, ended_at, reason, class, worker, session, title, summary, story)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    for (const job of jobs) {
      const { requirements: _, attempts: __, story: ___, ...summary } = job;
      const { jobId, endedAt, outcome, class: jobClass, worker, session, title } = summary;
      insert.run(
        ...[jobId, Date.parse(endedAt ?? ''), outcome?.reason ?? null, jobClass, worker, session, title],
        ...[JSON.stringify(summary), JSON.stringify(job)],
      );
    }
    const keep = database.prepare('INSERT OR REPLACE INTO records (job_id, record) VALUES (?, ?)');
    for (const record of badlyEnded) keep.run(record.command.jobId, JSON.stringify(record));
    this.#drop(now);
    database.exec('COMMIT');
  }

  /** What an older orchestrator wrote, and the API can't say any more, is left out. */
  search({ search, reason, class: jobClass, worker, before, limit }: HistoryQuery): HistoryPage<JobView> {
    const like = search === undefined ? null : `%${search.replaceAll(/[\\%_]/g, '\\$&')}%`;
    const rows = this.#database
      .prepare(
        `SELECT serial, ended_at, summary FROM jobs WHERE (ended_at, serial) < ($endedAt, $serial)
           AND ($reason IS NULL OR reason = $reason)
           AND ($class IS NULL OR class = $class)
           AND ($worker IS NULL OR worker = $worker)
           AND ($like IS NULL OR title LIKE $like ESCAPE '\\' OR session LIKE $like ESCAPE '\\'
             OR job_id LIKE $like ESCAPE '\\')
         ORDER BY ended_at DESC, serial DESC LIMIT $limit`,
      )
      .all({
        ...{ $endedAt: before.endedAt, $serial: before.serial, $limit: limit + 1 },
        ...{ $reason: reason ?? null, $class: jobClass ?? null, $worker: worker ?? null, $like: like },
      });
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return {
      jobs: shown.flatMap(({ summary }) => {
        const job: unknown = { ...NOT_SAID, ...JSON.parse(String(summary)) };
        return summaries.Check(job) ? [job] : [];
      }),
      next: last ? { endedAt: Number(last['ended_at']), serial: Number(last['serial']) } : null,
    };
  }

  story(jobId: string): JobStoryView | null {
    const row = this.#database.prepare('SELECT story FROM jobs WHERE job_id = ?').get(jobId);
    const job: unknown = { ...NOT_SAID, ...JSON.parse(String(row?.['story'] ?? null)) };
    return stories.Check(job) ? job : null;
  }

  record(jobId: string): KeptRecord | null {
    const row = this.#database.prepare('SELECT record FROM records WHERE job_id = ?').get(jobId);
    const record: unknown = JSON.parse(String(row?.['record'] ?? null));
    return records.Check(record) ? record : null;
  }

  close(): void {
    this.#database.close();
  }

  /** What is too old, and of the oldest as many as it takes. */
  #drop(now: number): void {
    const { days, megabytes } = this.#bounds;
    this.#database.prepare('DELETE FROM jobs WHERE ended_at < ?').run(now - days * DAY_MS);
    const oldest = this.#database.prepare(
      `DELETE FROM jobs WHERE serial IN (SELECT serial FROM jobs ORDER BY ended_at, serial
         LIMIT (SELECT 1 + count(*) / 20 FROM jobs))`,
    );
    while (this.#usedBytes() > megabytes * 1_048_576 && oldest.run().changes > 0);
  }

  #usedBytes(): number {
    const [pages, free, size] = ['page_count', 'freelist_count', 'page_size'].map((name) =>
      pragma(this.#database, name),
    );
    return ((pages ?? 0) - (free ?? 0)) * (size ?? 0);
  }
}

/** Gives a damaged file, or one of another version, another name; of those the last is kept. */
export function putAside(path: string): string {
  const aside = `${path}.damaged`;
  renameSync(path, aside);
  // It would be played back into the new one.
  rmSync(`${path}-journal`, { force: true });
  return aside;
}

export function isDamaged(error: unknown): boolean {
  if (error instanceof OtherVersion) return true;
  if (!(error instanceof Error) || !('errcode' in error)) return false;
  const code = Number(error.errcode) & 0xff;
  return code === CORRUPT || code === NOT_A_DATABASE;
}

class OtherVersion extends Error {}

function prepare(database: DatabaseSync): void {
  const [id, version] = [pragma(database, 'application_id'), pragma(database, 'user_version')];
  const isEmpty = pragma(database, 'page_count') === 0;
  if (isEmpty) {
    // What is deleted makes the file smaller, or it would keep its largest size for ever.
    database.exec(`PRAGMA auto_vacuum = FULL; BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
  } else if (id !== APPLICATION_ID) {
    throw new Error('it is the database of another program; set HISTORY_PATH to a file of its own');
  } else if (version !== VERSION) {
    throw new OtherVersion(`it has the form ${version}, not ${VERSION}`);
  }
  database.exec(RECORDS);
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
