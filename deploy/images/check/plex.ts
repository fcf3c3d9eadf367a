import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runIn } from './image.ts';

/** As much of linuxserver/plex as our scripts touch, beside s6 itself: neither its s6-rc nor Plex can be had here. */
const FILES: Readonly<Record<string, string>> = {
  '/usr/lib/plexmediaserver/Plex Transcoder': '#!/bin/sh\necho "Plex’s own: $*"\n',
  '/usr/bin/with-contenv': '#!/bin/sh\nexec "$@"\n',
  '/usr/bin/lsiown': '#!/bin/sh\nexec chown "$@"\n',
  '/etc/s6-overlay/s6-rc.d/svc-plex/run': '#!/bin/sh\necho "this is PMS"\n',
  '/etc/s6-overlay/s6-rc.d/svc-plex/notification-fd': '3\n',
};

export function makePlexStandIn(root: string): void {
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), 0o755);
  }
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  runIn(root, ['useradd', '--uid', '911', '--user-group', '--home-dir', '/config', 'abc'], env);
  runIn(root, ['sh', '-ec', 'apt-get update && apt-get install -y --no-install-recommends s6 execline'], env);
}
