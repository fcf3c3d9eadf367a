import { accessSync, constants, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { coerceError } from '#shared/errors.ts';
import { nodeIn, originalIn } from '#shared/hookWrapper.ts';
import type { HookSettings } from '../../pms/hookSettings.ts';
import { hasContent, kindOf } from '../../pms/install/files.ts';
import { hookText } from '../../pms/install/hookText.ts';
import { placeIn } from '../../pms/install/place.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';

const CHECK = 'hook';
const INSTALL =
  'clusterplex install-hook, as root or the owner of TRANSCODER_PATH; with --watch it stays in place when Plex is updated';

/** Whether PMS starts the hook, and the hook finds all it needs. */
export function hookFindings(settings: HookSettings | null): Finding[] {
  if (settings === null) return [skipped(CHECK, 'the settings are wrong')];
  try {
    return [placed(settings), ...modeFindings(settings)];
  } catch (error) {
    return [failed(CHECK, coerceError(error).message, 'run doctor as root, or as the user of PMS')];
  }
}

function placed({ TRANSCODER_PATH, TRANSCODER_LOCAL_NAME }: HookSettings): Finding {
  const place = placeIn(resolve(TRANSCODER_PATH), TRANSCODER_LOCAL_NAME, process.execPath);
  const { transcoder, original, hook } = place;
  const found = kindOf(transcoder);
  if (found === 'nothing') {
    return failed(
      CHECK,
      `there is no ${transcoder}`,
      'set TRANSCODER_PATH to the directory of Plex Transcoder',
    );
  }
  if (found === 'program') {
    return failed(
      CHECK,
      `${transcoder} is Plex’s own: PMS transcodes by itself (an update puts it back)`,
      INSTALL,
    );
  }
  if (found === 'other') return failed(CHECK, `${transcoder} is a script of somebody else`, INSTALL);
  const wrapper = readFileSync(transcoder, 'utf8');
  const name = originalIn(wrapper);
  if (name !== null && basename(name) !== basename(original)) {
    return failed(
      CHECK,
      `TRANSCODER_LOCAL_NAME is wrong: the hook in place uses ${basename(name)}`,
      'set it to that, or install again',
    );
  }
  if (kindOf(original) === 'nothing') {
    return failed(
      CHECK,
      `the original is gone: ${original}`,
      'reinstall Plex Media Server, then clusterplex install-hook',
    );
  }
  if (!isExecutable(original))
    return failed(CHECK, `${original} can’t be executed as this user`, `chmod 755 '${original}'`);
  const node = nodeIn(wrapper);
  if (node === null || !isExecutable(node)) {
    return failed(CHECK, `its Node is gone: ${node ?? 'none is named'}; PMS transcodes by itself`, INSTALL);
  }
  if (kindOf(hook) === 'nothing')
    return failed(CHECK, `there is no ${hook}; PMS transcodes by itself`, INSTALL);
  if (!hasContent(hook, hookText())) return warning(CHECK, `${hook} is of another version`, INSTALL);
  return ok(CHECK, `is in place; the original is ${original}`);
}

function modeFindings({ TRANSCODE_OPERATING_MODE }: HookSettings): Finding[] {
  if (TRANSCODE_OPERATING_MODE !== 'local') return [];
  return [
    warning(
      'operating mode',
      'TRANSCODE_OPERATING_MODE is local: PMS transcodes by itself',
      'set it to both or remote in the environment of PMS, and restart PMS',
    ),
  ];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
