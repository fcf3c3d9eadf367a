/** Opens files until no more can be opened, tries everything with which a worker starts a program, and says how it went. */
import { closeSync, openSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { systemClock } from '#shared/clock.ts';
import { coerceError, systemErrorCode } from '#shared/errors.ts';
import { checkTranscoder } from '../../worker/capabilities/capabilities.ts';
import { Storage } from '../../worker/storage/storage.ts';
import { Helper } from '../../worker/transcoder/helper.ts';
import { launch } from '../../worker/transcoder/launch.ts';

const held: number[] = [];
try {
  for (;;) held.push(openSync('/dev/null', 'r'));
} catch (error) {
  if (systemErrorCode(error) !== 'EMFILE') throw error;
}

const ownership = { file: 'owner', number: 1, writer: 'w' };
let launched: string | null = null;
try {
  launch({
    file: '/bin/true',
    argv: [],
    env: {},
    cwd: '/',
    ownership,
    confinement: { roots: [], files: [] },
  });
} catch (error) {
  launched = coerceError(error).message;
}
const helper = new Helper({
  ...{ name: 'helper', script: 'cat', words: [], env: {}, endsWithWorker: true },
  ...{ clock: systemClock, random: () => 0, logger: pino({ level: 'silent' }) },
});
helper.start();
const startedAtOnce = helper.pid !== null;

const storage = new Storage({
  declared: [{ path: '/tmp', mode: 'ro', optional: false }],
  ...{ pathMap: [], instance: 'w', clock: systemClock, changed: () => undefined },
});
const [check] = await Promise.all([checkTranscoder('/bin/true', {}, systemClock), storage.start()]);
storage.stop();
for (const descriptor of held) closeSync(descriptor);
while (helper.pid === null) await setImmediate();
helper.stop();
process.stdout.write(
  JSON.stringify({ launched, startedAtOnce, transcoder: check.problem, storage: storage.problems }),
);
