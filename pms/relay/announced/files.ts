import { fileName, isMpd, readMpd } from './mpd.ts';
import { nextName, readList } from './segmentList.ts';

/** A file that PMS may look for once it has a manifest or list. */
export interface AnnouncedFile {
  /** In the job's directory itself. */
  readonly name: string;
  /** The one that is opened when this one is closed, if that is how they are written. */
  readonly next: string | null;
}

const PLAIN = /^(?!\.\.?$)[^/\\\0]+$/;

export function announcedFiles(document: string): AnnouncedFile[] {
  const files = isMpd(document) ? filesOfMpd(document) : filesOfList(document);
  const byName = new Map(files.map((file) => [file.name, file]));
  return [...byName.values()].filter(({ name }) => PLAIN.test(name));
}

function filesOfMpd(text: string): AnnouncedFile[] {
  const names = (readMpd(text)?.representations ?? []).flatMap(({ id, template }) => [
    fileName(template.initialization, id, null),
    ...template.entries.map(({ number }) => fileName(template.media, id, number)),
  ]);
  return names.filter((name) => name !== null).map((name) => ({ name, next: null }));
}

function filesOfList(text: string): AnnouncedFile[] {
  const rows = (readList(text) ?? []).filter(({ isFinished }) => isFinished);
  return rows.map(({ name }) => ({ name, next: nextName(name) }));
}
