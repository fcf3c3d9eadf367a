import { type ArgvFile, allOptions, readCommand } from '#shared/argv/command.ts';
import { segmentOutputs } from '#shared/argv/segmented.ts';
import { type ByteString, readable } from '#shared/bytes.ts';

/** Options by which a transcoder ends before its input does, or after it. */
const LIMITS = new Set(
  't to sseof fs frames vframes aframes dframes shortest stream_loop loop itsscale itsoffset'.split(' '),
);

/** Whether the command ends where its input does, by a clock that is the input's. */
export function runsToTheEnd(argv: readonly ByteString[]): boolean {
  const command = readCommand(argv);
  const names = new Set(allOptions(command).map(({ name }) => name));
  if ([...LIMITS].some((name) => names.has(name)) || command.inputs.some((input) => isAddress(argv, input)))
    return false;
  // Without it an attempt that begins later counts from 0.
  return names.has('copyts') || (!names.has('ss') && segmentOutputs(argv, command).length === 0);
}

/** Live TV has no end. */
function isAddress(argv: readonly ByteString[], { index }: ArgvFile): boolean {
  return /^https?:/i.test(readable(argv[index] ?? ''));
}
