import { readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';

const Line = Type.Object({
  id: Type.String(),
  server: Type.Union([Type.Literal('plex'), Type.Literal('jellyfin')]),
  kind: Type.String(),
  hw: Type.String(),
  source: Type.String(),
  argv: Type.Array(Type.String()),
  env: Type.Optional(Type.Record(Type.String(), Type.String())),
  cwd: Type.Optional(Type.String()),
  tags: Type.Optional(Type.Array(Type.String())),
  truncated: Type.Optional(Type.Boolean()),
  same_as: Type.Optional(Type.String()),
  argv_confidence: Type.Optional(Type.String()),
  notes: Type.Optional(Type.String()),
  note: Type.Optional(Type.String()),
});

const line = Compile(Line);

/** A command with which a real server started its transcoder; test/corpus says where each is from. */
export interface CorpusCommand {
  readonly id: string;
  readonly server: 'plex' | 'jellyfin';
  readonly kind: string;
  readonly hw: string;
  readonly source: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Null where the source did not show it. */
  readonly cwd: string | null;
  readonly tags: readonly string[];
  /** The source lacks its start or its end: good for reading, not for running. */
  readonly isTruncated: boolean;
  /** The same command in the other file. */
  readonly twin: string | null;
  readonly notes: string;
}

export type CorpusFile = 'plex-captures' | 'transcoder-commands';

export function corpus(
  files: readonly CorpusFile[] = ['plex-captures', 'transcoder-commands'],
): CorpusCommand[] {
  return files.flatMap((file) => {
    const url = new URL(`../corpus/${file}.jsonl`, import.meta.url);
    const rows = readFileSync(url, 'utf8').split('\n');
    return rows.filter((text) => text !== '').map((text) => command(line.Parse(JSON.parse(text))));
  });
}

export function corpusCommand(id: string): CorpusCommand {
  const found = corpus().find((candidate) => candidate.id === id);
  if (!found) throw new Error(`the corpus has no command ${id}`);
  return found;
}

function command(row: Static<typeof Line>): CorpusCommand {
  const { id, server, kind, hw, source, argv } = row;
  return {
    ...{ id, server, kind, hw, source, argv },
    env: row.env ?? {},
    cwd: row.cwd || null,
    tags: row.tags ?? [],
    isTruncated: row.truncated ?? false,
    twin: row.same_as ?? null,
    notes: row.notes ?? row.note ?? '',
  };
}
