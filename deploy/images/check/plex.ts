import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runIn } from './image.ts';

/** As much of linuxserver/plex as our scripts touch. Its s6 can't run here, nor Plex be had. */
const FILES: Readonly<Record<string, string>> = {
  '/usr/lib/plexmediaserver/Plex Transcoder': '#!/bin/sh\necho "Plex’s own: $*"\n',
  '/usr/bin/with-contenv': '#!/bin/sh\nexec "$@"\n',
  '/usr/bin/lsiown': '#!/bin/sh\nexec chown "$@"\n',
  '/usr/bin/s6-setuidgid':
    '#!/bin/sh\nuser=$1; shift\nexec setpriv --reuid "$user" --regid "$user" --clear-groups "$@"\n',
  '/usr/bin/s6-notifyoncheck':
    '#!/bin/sh\nwhile getopts dn:w:c: option; do [ "$option" = c ] && echo "check: $OPTARG"; done\nshift $((OPTIND - 1))\nexec "$@"\n',
};

export function makePlexStandIn(root: string): void {
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), 0o755);
  }
  runIn(root, ['useradd', '--uid', '911', '--user-group', '--home-dir', '/config', 'abc'], {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  });
}
