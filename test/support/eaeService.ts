import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { strToU8, zipSync } from 'fflate';
import { isAllowed } from './codecServer.ts';

export const EAE_PASSWORD = 'eae-password';

export interface EaeService {
  /** With a password, without which there is no licence. */
  readonly url: string;
  /** What was asked of it: paths with their queries. */
  readonly asked: readonly string[];
  /** The next licences: in how many seconds they end, or their first word. */
  grant: number | string;
  /** Whether it answers nothing but 503. */
  down: boolean;
  /** Whether the archive that it hands out is another than announced. */
  tampered: boolean;
  close(): Promise<void>;
}

/**
 * EasyAudioEncoder as far as others see it: it wants a licence that has not ended beside its program, which it reads at
 * its start only, takes what is put into its watch folders, and puts a WAV there. Without a licence, or when that ends,
 * it says so and goes, and its folders stay untouched.
 */
const PROGRAM = `#!/bin/sh
read -r ends rest < "\${0%/*}/eae-license.txt" 2>/dev/null
case $ends in
  lifetime) ends=99999999999 ;;
  *[!0-9]*) ends=0 ;;
esac
expire() {
  if [ "\${ends:-0}" -le "$(date +%s)" ]; then
    echo 'License has expired.'
    exit 1
  fi
}
expire
echo $$ >> "\${0%/*}/started"
while expire; do
  for file in "Convert to WAV (to 8ch or less)"/*.ec3; do
    [ -e "$file" ] || continue
    echo "WAV of $(cat "$file")" > "\${file%.ec3}.part"
    mv "\${file%.ec3}.part" "\${file%.ec3}.wav"
    rm "$file"
  done
  sleep 0.05
done
`;

/** Plex's service for EasyAudioEncoder: an XML answer with a licence, and an archive. */
export async function serveEae(): Promise<EaeService> {
  const archive = Buffer.from(
    zipSync({
      'EasyAudioEncoder/EasyAudioEncoder': strToU8(PROGRAM),
      'EasyAudioEncoder/readme.txt': strToU8('read me'),
    }),
  );
  const sha1 = createHash('sha1').update(archive).digest('hex');
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (service.down) {
      response.writeHead(503).end();
      return;
    }
    if (request.url?.endsWith('.zip')) {
      response.end(service.tampered ? Buffer.concat([archive, Buffer.from('!')]) : archive);
      return;
    }
    if (!isAllowed(request, `me:${EAE_PASSWORD}`)) {
      response.writeHead(401).end();
      return;
    }
    const { grant } = service;
    const first = typeof grant === 'string' ? grant : Math.floor(Date.now() / 1_000) + grant;
    const licence = `${first} ${'a'.repeat(60)} ${'b'.repeat(64)}`;
    response.end(
      `<?xml version="1.0" encoding="UTF-8"?>\n<MediaContainer size="1" license="${licence}">\n` +
        `<Codec url="${base}/eae.zip?a=1&amp;b=.zip" fileSha="${sha1}" /></MediaContainer>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  const base = `http://127.0.0.1:${address.port}`;
  const service: EaeService = {
    url: `${base.replace('//', `//me:${EAE_PASSWORD}@`)}/api/codecs/easyaudioencoder`,
    asked,
    grant: 365 * 86_400,
    down: false,
    tampered: false,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return service;
}
