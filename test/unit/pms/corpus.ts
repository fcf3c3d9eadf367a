import { type CorpusCommand, corpus } from '../../support/corpus.ts';

/** Every command of the corpus that PMS started. */
export function plexCommands(): CorpusCommand[] {
  return corpus().filter(({ server }) => server === 'plex');
}
