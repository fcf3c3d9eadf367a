import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

/** Tells our wrapper from every other file that could stand in its place. */
export const MARKER = 'CLUSTERPLEX-HOOK';

/** Each may use what stands before it. */
const HOOK_FILES = ['hook/settings.ts', 'hook/call.ts', 'hook.ts'];

export interface WrapperPaths {
  readonly node: string;
  readonly hook: string;
  readonly original: string;
}

/**
 * What PMS starts. A shell script, so that a missing Node still leaves a working transcoder. Plex's own libraries
 * (LD_LIBRARY_PATH) would break Node; the hook gives the variable back to the transcoder. It has no variables of its
 * own, because one that PMS's environment also has would reach the transcoder changed.
 */
export function wrapperText(paths: WrapperPaths): string {
  const node = quoted(paths.node);
  const hook = quoted(paths.hook);
  const original = quoted(paths.original);
  return `#!/bin/sh
# ${MARKER}: hands transcodes to ClusterPlex; \`node pms/install.ts --uninstall\` takes it away.
if [ -x ${node} ] && [ -r ${hook} ]; then
  export HOOK_ORIGINAL=${original}
  if [ -n "\${LD_LIBRARY_PATH+set}" ]; then
    export HOOK_SAVED_LD_LIBRARY_PATH="$LD_LIBRARY_PATH"
    unset LD_LIBRARY_PATH
  fi
  exec ${node} ${hook} "$@"
fi
exec ${original} "$@"
`;
}

/** The hook as one file of CommonJS without types, which starts in half the time. */
export function hookText(): string {
  const sources = HOOK_FILES.map((file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'));
  const code = sources.map((source) => stripTypeScriptTypes(source)).join('\n');
  return `'use strict';\n${code.replace(/^import [^;]*;$/gm, '').replace(/^export /gm, '')}`;
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
