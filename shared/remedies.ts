/** What to do about what a worker says of itself, besides what it says. */
const REMEDIES: Readonly<Record<string, string>> = {
  transcoder: 'set TRANSCODER_PATH and TRANSCODER_NAME of that worker to a transcoder that runs there',
  storage:
    'mount there what PMS uses, under the same path (or say in PATH_MAP where it is), and writable for the worker’s user ' +
    'where MOUNTS says rw; give both sides the same uid and gid',
  codecs:
    'let that worker reach CODECS_URL, or name in it the Codecs directory of a PMS; CODECS_DIR must be writable for it. ' +
    'A transcoder that has its codecs inside takes CODECS=off',
  eae: 'let that worker reach EAE_URL, which renews licences, with a clock that is right; until then TRANSCODE_EAE_LOCALLY=1',
  gpu: 'give that worker the device (/dev/dri, --gpus) with its driver; until then it works in software',
  draining: 'wait until it has ended, or start it again',
};

/** @param check its name */
export function remedyFor(check: string): string {
  return REMEDIES[check] ?? 'see its log';
}
