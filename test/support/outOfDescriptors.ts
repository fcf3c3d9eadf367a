/** Opens files until no more can be opened, tries everything with which a worker starts a program, and says how it went. */
import { openSync } from 'node:fs';
import { systemClock } from '#shared/clock.ts';
import { coerceError, systemErrorCode } from '#shared/errors.ts';
import { checkTranscoder } from '../../worker/capabilities/capabilities.ts';
import { Storage } from '../../worker/storage/storage.ts';
import { launch } from '../../worker/transcoder/launch.ts';

try {
  for (;;) openSync('/dev/null', 'r');
} catch (error) {
  if (systemErrorCode(error) !== 'EMFILE') throw error;
}

const ownership = { file: 'owner', number: 1, writer: 'w' };
let launched: string | null = null;
try {
  launch({ file: '/bin/true', argv: [], env: {}, cwd: '/', ownership });
} catch (error) {
  launched = coerceError(error).message;
}
const storage = new Storage([{ path: '/tmp', mode: 'ro', optional: false }], systemClock, () => undefined);
const [check] = await Promise.all([checkTranscoder('/bin/true', {}, systemClock), storage.start()]);
storage.stop();
process.stdout.write(JSON.stringify({ launched, transcoder: check.problem, storage: storage.problems }));
