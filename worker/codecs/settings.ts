import { choice, type Setting, text } from '#shared/settings/table.ts';
import { PLEX_ARCHS, type PlexArch } from './architecture.ts';

const PLEX_CODECS = 'https://downloads.plex.tv/codecs';

export const codecSettings = {
  CODECS: choice(
    ['auto', 'on', 'off'],
    'auto',
    'Whether codecs are fetched: `auto` where the transcoder is Plex’s own, `off` where it has them inside.',
  ),
  CODECS_DIR: text('/codecs', 'Directory for codecs and EasyAudioEncoder; workers may share it.'),
  CODECS_URL: sources(
    'Where codecs come from, comma separated, tried in turn: addresses of mirrors, with `USER:PASSWORD@` where one asks ' +
      'for them, or directories laid out as the `Codecs` folder of a PMS.',
  ),
  PLEX_ARCH: plexArch('Architecture of the codecs. Default: that of this machine.'),
};

/** A list of addresses, or of absolute paths in place of them. */
function sources(doc: string): Setting<readonly string[]> {
  return {
    form: 'address or path, …',
    default: PLEX_CODECS,
    doc,
    secret: false,
    absent: [PLEX_CODECS],
    parse: (given) => given.split(',').map((entry) => source(entry.trim())),
  };
}

function source(entry: string): string {
  if (entry.startsWith('/')) return entry;
  const url = URL.parse(entry);
  if (url?.protocol === 'file:') return decodeURIComponent(url.pathname);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    const shown = entry.replace(/\/\/.*@/, '//…@');
    throw new Error(`not a list of http(s) addresses and absolute paths; "${shown}" is neither`);
  }
  return entry;
}

function plexArch(doc: string): Setting<PlexArch | null> {
  return {
    doc,
    default: null,
    absent: null,
    secret: false,
    form: PLEX_ARCHS.join(', ').replace(/, ([^,]*)$/, ' or $1'),
    parse(given) {
      const found = PLEX_ARCHS.find((arch) => arch === given.toLowerCase());
      if (found === undefined) throw new Error(`none of ${PLEX_ARCHS.join(', ')}`);
      return found;
    },
  };
}
