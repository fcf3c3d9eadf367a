import { randomUUID } from 'node:crypto';
import { basename, join } from 'node:path';
import { type ArgvOption, allOptions, readCommand } from '#shared/argv/command.ts';
import type { CorpusCommand } from './corpus.ts';

export interface RetargetOptions {
  /** The file that takes the place of the first input. */
  readonly input: string;
  readonly pmsPort: number;
  /** PMS's transcode directory: the session's directory is below it. */
  readonly transcodeDirectory: string;
  /** Where absolute outputs go (optimised versions, detection); default: the transcode directory. */
  readonly outputDirectory?: string;
  readonly session?: string;
  readonly job?: string;
  readonly token?: string;
  /** Seek to this second, as PMS would: -ss of every input, the number of the first segment, no -fps_mode. */
  readonly start?: number;
  /** Other streams of the input: `{ '0:3': '0:2' }`. */
  readonly streams?: Readonly<Record<string, string>>;
}

/** What PMS starts a transcoder with, and the ids by which it knows its calls. */
export interface PmsJob {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly session: string;
  readonly job: string;
}

const SESSION = /\/session\/([^/?]+)(?:\/([^/?]+))?\/(?:progress|manifest|seglist)(?=\?|$)/;

const ORIGIN = 'http://127.0.0.1:32400';

export const PMS_TOKEN = 'local-5ce7f3a0-3a9d-4b1b-9d4c-0f6b6f4f2a11';

/** A genuine command, changed where it must be to run here: input, PMS's port, ids, directories; and nothing else. */
export function retarget(command: CorpusCommand, options: RetargetOptions): PmsJob {
  if (command.isTruncated) throw new Error(`${command.id} is truncated: it can't run`);
  const { session = randomUUID(), job = randomUUID(), token = PMS_TOKEN } = options;
  const sessions = join(options.transcodeDirectory, 'Transcode', 'Sessions');
  const cwd = join(sessions, `plex-transcode-${session}-${job}`);
  const old = command.argv.map((element) => SESSION.exec(element)).find((match) => match !== null);
  const [, oldSession = '', oldJob] = old ?? [];
  const oldDirectory = `/plex-transcode-${oldSession}-${oldJob}/`;

  const relocate = (element: string): string => {
    if (element.startsWith(ORIGIN)) {
      return (
        `http://127.0.0.1:${options.pmsPort}` +
        element
          .slice(ORIGIN.length)
          .replace(`/session/${oldSession}/${oldJob ?? ''}`, `/session/${session}/${oldJob ? job : ''}`)
      );
    }
    const end = element.lastIndexOf(oldDirectory);
    if (end >= 0) return join(cwd, element.slice(end + oldDirectory.length));
    return element === `${oldSession}_` ? `${session}_` : element;
  };

  const argv = edit(withInput(command), options).map(relocate);
  return { argv, env: { ...command.env, X_PLEX_TOKEN: token }, cwd, session, job };
}

/** With a picture that takes no time. */
export function small(job: PmsJob): PmsJob {
  const argv = job.argv.map((element) => element.replace(/(\bscale\w*=w=)\d+:h=\d+/, '$1320:h=180'));
  return { ...job, argv };
}

/** plex-misc-2 was edited by its source, which says how: no `-i`, and a lost comma. */
function withInput(command: CorpusCommand): readonly string[] {
  if (!command.tags.includes('no-input')) return command.argv;
  const argv = command.argv.map((element) =>
    element.replace('expr:gte(t0+n_forced', 'expr:gte(t,0+n_forced'),
  );
  return argv.toSpliced(argv.indexOf('-map_inlineass'), 0, '-i', '/media/input.mkv');
}

function edit(argv: readonly string[], options: RetargetOptions): string[] {
  const command = readCommand(argv);
  const edited = argv.map((element) => [element]);
  const set = (index: number | null, value: string): void => {
    if (index !== null) edited[index] = [value];
  };
  const remove = (option: ArgvOption): void => {
    edited[option.index] = [];
    if (option.valueIndex !== null) edited[option.valueIndex] = [];
  };

  for (const [position, { index }] of command.inputs.entries()) {
    if (position === 0 && !argv[index]?.startsWith(ORIGIN)) set(index, options.input);
  }
  for (const { index } of command.outputs) {
    const path = argv[index] ?? '';
    const directory = options.outputDirectory ?? options.transcodeDirectory;
    if (path.startsWith('/')) set(index, join(directory, basename(path)));
  }
  for (const { name, valueIndex } of allOptions(command)) {
    const value = valueIndex === null ? '' : (argv[valueIndex] ?? '');
    if (name === 'map' || name === 'map_inlineass') set(valueIndex, options.streams?.[value] ?? value);
    if (name === 'filter_complex') {
      set(
        valueIndex,
        value.replaceAll(/\[(\d+:[^\]]+)\]/g, (label, stream: string) =>
          options.streams?.[stream] === undefined ? label : `[${options.streams[stream]}]`,
        ),
      );
    }
  }
  if (options.start !== undefined) seek(options.start);
  return edited.flat();

  function seek(start: number): void {
    for (const input of command.inputs) {
      for (const option of input.options) if (option.name === 'ss') remove(option);
      const place =
        input.options.find(({ name }) => name === 'noaccurate_seek' || name === 'analyzeduration')?.index ??
        input.index - 1;
      if (start > 0) edited[place] = ['-ss', String(start), ...(edited[place] ?? [])];
    }
    for (const output of command.outputs) {
      const value = (name: string): string | undefined => {
        const index = output.options.find((option) => option.name === name)?.valueIndex;
        return index ? argv[index] : undefined;
      };
      for (const option of output.options) {
        if (option.name === 'fps_mode' && start > 0) remove(option);
        if (option.name === 'skip_to_segment') {
          set(option.valueIndex, String(Math.floor(start / Number(value('seg_duration'))) + 1));
        }
        // A subtitle's own segments begin at 0 even after a seek.
        if (option.name === 'segment_start_number' && value('f') === 'ssegment') {
          set(option.valueIndex, String(Math.floor(start / Number(value('segment_time')))));
        }
      }
    }
    for (const option of command.trailing) if (option.name === 'vsync' && start > 0) remove(option);
  }
}
