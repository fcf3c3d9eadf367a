/** Tells our wrapper from every other file that could stand in its place. */
export const MARKER = 'CLUSTERPLEX-HOOK';

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
# ${MARKER}: hands transcodes to ClusterPlex; \`clusterplex install-hook --uninstall\` takes it away.
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

/** Where a wrapper has the original; null when it is from before it said so, or no wrapper. */
export function originalIn(wrapper: string): string | null {
  const path = /^ {2}export HOOK_ORIGINAL='(.*)'$/m.exec(wrapper)?.[1];
  return path === undefined ? null : unquoted(path);
}

/** The Node that a wrapper starts; null when it is none. */
export function nodeIn(wrapper: string): string | null {
  const path = /^if \[ -x '(.*)' \] && \[ -r /m.exec(wrapper)?.[1];
  return path === undefined ? null : unquoted(path);
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}

function unquoted(path: string): string {
  return path.replaceAll(`'\\''`, "'");
}
