import { fileName, isMpd, readMpd } from './mpd.ts';
import { readList } from './segmentList.ts';

/** In the job's directory itself. */
const PLAIN = /^(?!\.\.?$)[^/\\\0]+$/;

/** The names of all files that PMS may look for once it has this manifest or list. */
export function announcedFiles(document: string): string[] {
  const names = isMpd(document) ? filesOfMpd(document) : filesOfList(document);
  return [...new Set(names)].filter((name): name is string => name !== null && PLAIN.test(name));
}

function filesOfMpd(text: string): (string | null)[] {
  return (readMpd(text)?.representations ?? []).flatMap(({ id, template }) => [
    fileName(template.initialization, id, null),
    ...template.entries.map(({ number }) => fileName(template.media, id, number)),
  ]);
}

function filesOfList(text: string): string[] {
  return (readList(text) ?? []).filter(({ isFinished }) => isFinished).map(({ name }) => name);
}
