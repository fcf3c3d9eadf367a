import { allOptions, readCommand } from '#shared/argv/command.ts';
import type { PmsJob } from '../retarget.ts';
import type { Media } from './media.ts';

const MAX_WIDTH = 1920;

/**
 * Makes the command fit another film the way PMS would have written it: decoders, shape, and no subtitles where there
 * are none. The streams themselves were retargeted before.
 */
export function fitTo(job: PmsJob, { video, audio, subtitle }: Media): PmsJob {
  const argv = [...job.argv];
  const command = readCommand(argv);
  const input = command.inputs[0];
  for (const { name, specifier, valueIndex } of input?.options ?? []) {
    if (name !== 'codec' || valueIndex === null) continue;
    argv[valueIndex] = specifier === '0' ? decoder(video.codec) : decoder(audio.codec);
  }
  for (const option of input?.options ?? []) {
    // A decoder belongs to the stream with its number.
    if (option.name === 'codec') {
      argv[option.index] = `-codec:${option.specifier === '0' ? video.index : audio.index}`;
    }
  }
  const width = Math.min(MAX_WIDTH, video.width);
  const height = 2 * Math.round((width * video.height) / video.width / 2);
  for (const { name, valueIndex } of allOptions(command)) {
    if (name !== 'filter_complex' || valueIndex === null) continue;
    const shaped = (argv[valueIndex] ?? '').replace(/scale=w=\d+:h=\d+/, `scale=w=${width}:h=${height}`);
    argv[valueIndex] = subtitle ? shaped : withoutBurnIn(shaped);
  }
  return { ...job, argv: subtitle ? argv : withoutSubtitles(argv) };
}

function decoder(codec: string): string {
  return codec === 'av1' ? 'libdav1d' : codec;
}

/** `…[1];[1]inlineass=…[2]` → `…[2]` */
function withoutBurnIn(graph: string): string {
  return graph.replace(/\[1\];\[1\]inlineass=.*\[2\]$/, '[2]');
}

/** Without `-map_inlineass` and the second output, which only fetches the subtitle's packets. */
function withoutSubtitles(argv: readonly string[]): string[] {
  const mapInlineass = argv.indexOf('-map_inlineass');
  const output = argv.indexOf('nullfile');
  return argv.filter((_, index) => {
    const isMap = mapInlineass >= 0 && (index === mapInlineass || index === mapInlineass + 1);
    // -map 0:3 -f null -codec ass nullfile
    return !isMap && !(output >= 0 && index > output - 7 && index <= output);
  });
}
