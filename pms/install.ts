import { readFileSync, statSync, watch } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CodedError, coerceError, systemErrorCode } from '#shared/errors.ts';
import { helpText } from '#shared/settings/help.ts';
import { readSettings } from '#shared/settings/read.ts';
import { transcoderSettings } from './hookSettings.ts';
import { withLock } from './install/lock.ts';
import { install, isTranscoder, type Place, placeIn, uninstall } from './install/place.ts';

// Who reads no further has what it wanted: the hook is in place.
process.stdout.on('error', () => undefined);

const BAD_SETTINGS = 2;
const FAILED = 70;

/** How long a changed transcoder must stay as it is before it counts as the whole file. */
const SETTLE_MS = 1_000;

const PURPOSE = `Puts the hook in place of Plex's transcoder: clusterplex install-hook [--uninstall] [--watch]

  --uninstall  puts the original back
  --watch      stays, and puts the hook in place again whenever an update of Plex replaces it`;

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(helpText(PURPOSE, transcoderSettings));
    return;
  }
  const place = readPlace();
  if (options.uninstall) {
    report(await withLock(place.directory, () => uninstall(place)), 'nothing to undo');
    return;
  }
  // Before the installation, so that no update falls in between.
  if (options.watch) keepInstalled(place);
  const done = await withLock(place.directory, () => install(place));
  report(done, 'already in place');
  if (done.length > 0) report(nextSteps(place), null);
}

function nextSteps({ node }: Place): string[] {
  return [
    '',
    "The relay must run, as PMS's user. The hook's settings, such as TRANSCODE_OPERATING_MODE, belong into",
    "PMS's environment, after which PMS must be restarted.",
    `PMS now starts ${node}: it must stay there, and PMS's user must be able to run it.`,
  ];
}

function readOptions(): { help?: boolean; uninstall?: boolean; watch?: boolean } {
  try {
    const { values } = parseArgs({
      options: { help: { type: 'boolean' }, uninstall: { type: 'boolean' }, watch: { type: 'boolean' } },
    });
    if (values.uninstall && values.watch) throw new Error('--uninstall and --watch exclude each other');
    return values;
  } catch (error) {
    // Node's second sentence is about arguments that this program does not have.
    const [problem = ''] = coerceError(error).message.split('. ');
    return refuse(new CodedError('bad-settings', problem, 'see --help'));
  }
}

function readPlace(): Place {
  try {
    // biome-ignore lint/style/noProcessEnv: settings enter this program here and nowhere else.
    const settings = readSettings(transcoderSettings, process.env, (path) => readFileSync(path, 'utf8'));
    const directory = resolve(settings.TRANSCODER_PATH);
    const found = statSync(directory, { throwIfNoEntry: false });
    if (!found) throw new CodedError('bad-settings', `TRANSCODER_PATH is wrong: there is no ${directory}`);
    if (!found.isDirectory()) {
      throw new CodedError('bad-settings', 'TRANSCODER_PATH is a file: set its directory');
    }
    return placeIn(directory, settings.TRANSCODER_LOCAL_NAME, process.execPath);
  } catch (error) {
    return refuse(error);
  }
}

function refuse(error: unknown): never {
  complain(error);
  process.exit(BAD_SETTINGS);
}

function keepInstalled(place: Place): void {
  const installAgain = (): void => {
    withLock(place.directory, () => install(place)).then(
      (done) => report(done, null),
      (error: unknown) => complain(explained(error)),
    );
  };
  let settled: NodeJS.Timeout | undefined;
  watch(place.directory, (_event, name) => {
    if (!isTranscoder(name)) return;
    clearTimeout(settled);
    settled = setTimeout(installAgain, SETTLE_MS);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(0));
}

function report(done: readonly string[], nothingDone: string | null): void {
  const lines = done.length > 0 || nothingDone === null ? done : [nothingDone];
  for (const line of lines) process.stdout.write(`${line}\n`);
}

function complain(error: unknown): void {
  const hint = error instanceof CodedError && error.hint ? ` (${error.hint})` : '';
  process.stderr.write(`${coerceError(error).message}${hint}\n`);
}

/** Whoever may not write there gets the error of the first file that was tried, which says too little. */
function explained(error: unknown): unknown {
  if (!['EACCES', 'EPERM', 'EROFS'].includes(systemErrorCode(error) ?? '')) return error;
  return new CodedError(
    'internal',
    coerceError(error).message,
    'run it as root, or as the owner of TRANSCODER_PATH',
    { cause: error },
  );
}

// Stripping the hook's types makes Node warn on every run.
process.removeAllListeners('warning');
main().catch((error: unknown) => {
  complain(explained(error));
  process.exit(error instanceof CodedError && error.code === 'bad-settings' ? BAD_SETTINGS : FAILED);
});
