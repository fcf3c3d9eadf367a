import { readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CodedError } from '#shared/errors.ts';
import { originalIn, wrapperText } from '#shared/hookWrapper.ts';
import {
  duplicate,
  hasContent,
  identityOf,
  type Kind,
  kindOf,
  makeExecutable,
  removeLeftovers,
  replace,
  sameContent,
  writeTemporary,
} from './files.ts';
import { hookText } from './hookText.ts';

const TRANSCODER_NAME = 'Plex Transcoder';
const HOOK_NAME = 'clusterplex-hook.cjs';

/** How often an update may get in between. */
const TRIES = 3;

/** Where everything stands on a PMS host. */
export interface Place {
  readonly directory: string;
  /** What PMS starts. */
  readonly transcoder: string;
  /** Plex's own transcoder, once the hook is in its place. */
  readonly original: string;
  readonly hook: string;
  readonly node: string;
}

export function placeIn(directory: string, originalName: string, node: string): Place {
  if (originalName === TRANSCODER_NAME || originalName.includes('/')) {
    throw new CodedError('bad-settings', `TRANSCODER_LOCAL_NAME can't be ${JSON.stringify(originalName)}`);
  }
  return {
    directory,
    transcoder: join(directory, TRANSCODER_NAME),
    original: join(directory, originalName),
    hook: join(directory, HOOK_NAME),
    node,
  };
}

export function isTranscoder(name: string | null): boolean {
  return name === TRANSCODER_NAME;
}

/**
 * Puts the hook in the transcoder's place. Every step is one rename or link, and after each of them PMS has something
 * that works: being killed between any two does no harm, and the next run goes on from there.
 *
 * @returns what was done, for people; nothing when everything was in place
 */
export function install(place: Place): string[] {
  removeLeftovers(place.directory);
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const done = tryInstall(place);
    if (done) return done;
  }
  throw new CodedError('internal', `${place.transcoder} keeps changing`, 'wait for the update to end');
}

/** Null when something else came to stand in the transcoder's place meanwhile. */
function tryInstall(place: Place): string[] | null {
  const { transcoder, original } = place;
  const identity = identityOf(transcoder);
  const found = kindOf(transcoder);
  const kept = kindOf(original);
  checkInstallable(place, found, kept);
  const done: string[] = [];

  const hook = hookText();
  if (!hasContent(place.hook, hook)) {
    replace(writeTemporary(place.hook, hook, 0o644), place.hook);
    done.push(`wrote ${place.hook}`);
  }
  if (found === 'program' || (found === 'other' && kept !== 'program')) done.push(...adopt(place));
  if (found === 'other' && kept === 'program') {
    replace(duplicate(transcoder), previous(transcoder));
    done.push(`kept the script that stood in its place as ${previous(transcoder)}`);
  }
  const wrapper = wrapperText(place);
  if (!hasContent(transcoder, wrapper)) {
    const temporary = writeTemporary(transcoder, wrapper, 0o755);
    if (identityOf(transcoder) !== identity) {
      rmSync(temporary);
      return null;
    }
    replace(temporary, transcoder);
    done.push(`put the hook in place as ${transcoder}; the original is ${original}`);
  }
  return done;
}

function checkInstallable(place: Place, found: Kind, kept: Kind): void {
  const { transcoder, original } = place;
  if (kept === 'wrapper') {
    throw new CodedError(
      'internal',
      `${original} is the hook, not the original`,
      'reinstall Plex Media Server',
    );
  }
  if (kept !== 'nothing') return;
  if (found === 'nothing') {
    throw new CodedError('internal', `there is no ${transcoder}`, 'set TRANSCODER_PATH to its directory');
  }
  if (found === 'wrapper') throw missingOriginal(place);
}

/** Either Plex's files were changed by hand, or the hook was installed with another TRANSCODER_LOCAL_NAME. */
function missingOriginal({ directory, transcoder, original }: Place): CodedError {
  const named = kindOf(transcoder) === 'wrapper' ? originalIn(readFileSync(transcoder, 'utf8')) : null;
  const name = named && basename(named);
  if (name !== null && name !== basename(original) && kindOf(join(directory, name)) !== 'nothing') {
    return new CodedError(
      'bad-settings',
      `TRANSCODER_LOCAL_NAME is wrong: the hook in place uses ${name}`,
      'set TRANSCODER_LOCAL_NAME to it',
    );
  }
  return new CodedError(
    'internal',
    `${original} is missing`,
    'reinstall Plex Media Server, then install again',
  );
}

/** Makes what stands in the transcoder's place the original, and keeps a different one that was there before. */
function adopt({ transcoder, original }: Place): string[] {
  const done: string[] = [];
  const fresh = duplicate(transcoder);
  makeExecutable(fresh);
  if (kindOf(original) !== 'nothing' && !sameContent(fresh, original)) {
    replace(duplicate(original), previous(original));
    done.push(`${transcoder} was updated: the original before it is ${previous(original)}`);
  }
  replace(fresh, original);
  return done;
}

/** Undoes `install`; the same promises hold. */
export function uninstall(place: Place): string[] {
  const { transcoder, original, hook } = place;
  removeLeftovers(place.directory);
  const done: string[] = [];
  const found = kindOf(transcoder);
  if (found === 'wrapper' || found === 'nothing') {
    if (!['program', 'other'].includes(kindOf(original))) throw missingOriginal(place);
    replace(duplicate(original), transcoder);
    done.push(`put the original back as ${transcoder}`);
  } else if (kindOf(hook) === 'nothing') {
    return [];
  }
  // A script of another project in the transcoder's place may need the original just as we did.
  if (
    kindOf(original) !== 'nothing' &&
    (kindOf(transcoder) === 'program' || sameContent(transcoder, original))
  ) {
    rmSync(original);
    done.push(`removed ${original}`);
  }
  rmSync(hook, { force: true });
  done.push(`removed ${hook}`);
  return done;
}

function previous(path: string): string {
  return `${path}.previous`;
}
