import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resumed } from '#shared/argv/resume.ts';
import { segmentedOutput } from '#shared/argv/segmented.ts';
import type { ByteString } from '#shared/bytes.ts';
import type { Resume } from '#shared/job.ts';
import { type CorpusFile, corpus, corpusCommand } from '../../support/corpus.ts';
import { plexCommands } from '../pms/corpus.ts';

/** Those of the corpus with a main output in numbered segments, told without the code under test. */
const numbered = plexCommands().filter(({ argv, isTruncated }) => {
  return !isTruncated && (argv.includes('dash') || argv.includes('ssegment'));
});

/** Where a seek of PMS begins; null for a start of play. */
function placeOf(argv: readonly string[]): Resume | null {
  const seconds = argv[argv.indexOf('-ss') + 1];
  const number = argv.includes('-skip_to_segment') ? '-skip_to_segment' : '-segment_start_number';
  if (!argv.includes('-ss')) return null;
  return { segment: Number(argv[argv.indexOf(number) + 1]), seconds: Number(seconds) };
}

/** The start of play that PMS would have written in place of a seek. */
function startOf(argv: readonly string[]): string[] {
  const withoutSeek = argv.filter((element, index) => element !== '-ss' && argv[index - 1] !== '-ss');
  return withoutSeek.flatMap((element, index) => {
    if (element === '-copyts') return [element, '-fps_mode', 'cfr'];
    const option = withoutSeek[index - 1];
    return option === '-skip_to_segment' ? '1' : option === '-segment_start_number' ? '0' : element;
  });
}

/** Session and job as PMS wrote them, and the command with a fixed word for the job. */
function identity(argv: readonly string[]): { session: string; inputs: string; argv: string[] } {
  const url = argv[argv.indexOf('-progressurl') + 1] ?? '';
  const [, session = '', job = ''] = /session\/([^/]+)\/([^/]+)\/progress/.exec(url) ?? [];
  const neutral = argv.map((element) => element.replaceAll(job, 'JOB'));
  const inputs = neutral.filter((_, index) => neutral[index - 1] === '-i');
  return { session, inputs: inputs.join('\n'), argv: neutral };
}

/** Without the elements that a resume may change. */
function rest(argv: readonly ByteString[]): ByteString[] {
  const changed = ['-ss', '-fps_mode', '-vsync', '-skip_to_segment'];
  if (!argv.includes('-skip_to_segment')) changed.push('-segment_start_number');
  const isChanged = (element: ByteString | undefined) =>
    typeof element === 'string' && changed.includes(element);
  return argv.filter((element, index) => !isChanged(element) && !isChanged(argv[index - 1]));
}

test('a start that goes on at a place is the command with which PMS itself went there', () => {
  const pairs: string[] = [];
  for (const file of ['plex-captures', 'transcoder-commands'] as const satisfies CorpusFile[]) {
    const commands = corpus([file]).filter(({ id }) => numbered.some((command) => command.id === id));
    for (const seek of commands) {
      const at = placeOf(seek.argv);
      if (!at) continue;
      const wanted = identity(seek.argv);
      for (const start of commands) {
        const known = identity(start.argv);
        if (placeOf(start.argv) || known.session !== wanted.session || known.inputs !== wanted.inputs)
          continue;
        expect({ id: seek.id, argv: resumed(known.argv, at) }).toEqual({ id: seek.id, argv: wanted.argv });
        pairs.push(seek.id);
      }
    }
  }
  expect(pairs).toContain('sp-acc-7449');
  expect(pairs).toContain('mc-dash-34');
  expect(pairs.length).toBe(40);
});

test('every seek of PMS comes back from itself, and from the start of play that it was made of', () => {
  const seeks = numbered.flatMap(({ id, argv }) => {
    const at = placeOf(argv);
    return at ? [{ id, argv, at }] : [];
  });
  expect(seeks.length).toBe(46);
  for (const { id, argv, at } of seeks) {
    expect({ id, argv: resumed(argv, at) }).toEqual({ id, argv });
    expect({ id, argv: resumed(startOf(argv), at) }).toEqual({ id, argv });
  }
});

test('nothing else changes, and going on twice is going on at the second place', () => {
  expect(numbered.length).toBe(100);
  for (const { id, argv } of numbered) {
    const once = resumed(argv, { segment: 41, seconds: 123 });
    expect({ id, rest: rest(once) }).toEqual({ id, rest: rest(argv) });
    expect(once.filter((element) => element === '-ss').length).toBe(argv.filter((e) => e === '-i').length);
    expect(once).not.toContain('-fps_mode');
    const twice = resumed(once, { segment: 7, seconds: 10.427 });
    expect({ id, twice }).toEqual({ id, twice: resumed(argv, { segment: 7, seconds: 10.427 }) });
    const read = segmentedOutput(twice);
    if ('problem' in read) continue;
    expect(read).toEqual({ ...segmentedOutput(argv), firstSegment: 7, seekSeconds: 10.427 });
  }
});

test('both of two inputs begin at the place', () => {
  const { argv } = corpusCommand('sp-acc-7429');
  const once = resumed(argv, { segment: 1275, seconds: 1275 });
  const film = once.indexOf('-ss');
  const subtitles = once.indexOf('-ss', film + 1);
  expect(once.slice(film, film + 3)).toEqual(['-ss', '1275', '-analyzeduration']);
  expect(once.slice(subtitles, subtitles + 3)).toEqual(['-ss', '1275', '-analyzeduration']);
  expect(once[subtitles - 2]).toBe('-i');
});

test('subtitles in segments of their own keep their number', () => {
  const { argv } = corpusCommand('mc-dash-33');
  const side = argv.slice(argv.lastIndexOf('dash') + 1);
  const once = resumed(argv, { segment: 40, seconds: 195 });
  expect(side).toContain('-segment_start_number');
  expect(once.slice(-side.length)).toEqual(side);
});

test('where PMS wrote neither place nor number they stand where it writes them', () => {
  const after = (line: string) => resumed(line.split(' '), { segment: 3, seconds: 10 }).join(' ');
  expect(after('-codec:0 h264 -i a -i b -f dash -window_size 5 -manifest_name u dash')).toBe(
    '-codec:0 h264 -ss 10 -i a -ss 10 -i b -f dash -window_size 5 -skip_to_segment 3 -manifest_name u dash',
  );
  expect(
    after('-noaccurate_seek -i a -f ssegment -flags x -segment_time 5 -segment_list u m-%05d.ts -y'),
  ).toBe(
    '-ss 10 -noaccurate_seek -i a -f ssegment -flags x -segment_time 5 -segment_start_number 3 -segment_list u m-%05d.ts -y',
  );
  expect(after('-i a -map 0 -f dash -- -dash')).toBe(
    '-ss 10 -i a -map 0 -f dash -skip_to_segment 3 -- -dash',
  );
});

test('the constant frame rate goes by every name, wherever it stands', () => {
  const after = (line: string) => resumed(line.split(' '), { segment: 1, seconds: 0 }).join(' ');
  const wanted = '-ss 0 -i a -copyts -f dash -skip_to_segment 1 dash -y';
  expect(after('-i a -copyts -fps_mode cfr -f dash dash -y')).toBe(wanted);
  expect(after('-i a -copyts -fps_mode:0 cfr -f dash -fps_mode:v:0 vfr dash -y')).toBe(wanted);
  expect(after('-i a -copyts -f dash dash -vsync cfr -y')).toBe(wanted);
});

test.each([
  [0, '0'],
  [1896, '1896'],
  [10.5, '10.5'],
  [10.427083333, '10.427083'],
  [0.1 + 0.2, '0.3'],
  [0.000001, '0.000001'],
  [0.0000001, '0'],
  [Number.MAX_SAFE_INTEGER, '9007199254740991'],
])('%d seconds are written as %s', (seconds, text) => {
  expect(resumed('-i a -f dash dash'.split(' '), { segment: 1, seconds })[1]).toBe(text);
});

test('whatever else stands in a command stays byte for byte', () => {
  const word = fc.oneof(
    fc.constantFrom('-ss', '-i', '-fps_mode', '-skip_to_segment', 'cfr', '', '-'),
    fc.string(),
    fc.base64String().map((base64) => ({ base64 })),
  );
  fc.assert(
    fc.property(word, word, word, fc.nat(), (film, title, list, segment) => {
      const command = (seek: ByteString[], rate: ByteString[], number: ByteString[]): ByteString[] => {
        const before = ['-codec:0', title, ...seek, '-probesize', title, '-i', film, '-copyts', ...rate];
        return [...before, '-metadata', title, '-f', 'dash', ...number, '-manifest_name', list, 'dash', '-y'];
      };
      const wanted = command(['-ss', '5'], [], ['-skip_to_segment', String(segment)]);
      const at = { segment, seconds: 5 };
      expect(resumed(command([], ['-fps_mode', 'cfr'], ['-skip_to_segment', '1']), at)).toEqual(wanted);
      expect(resumed(command(['-ss', title], [], []), at)).toEqual(wanted);
    }),
  );
});

test.each(['-i a -f mp4 out', '-i a -f segment out', '-i a -f dash one -f ssegment two'])(
  '%s can not go on at a segment',
  (line) => {
    expect(() => resumed(line.split(' '), { segment: 1, seconds: 0 })).toThrow(/one output in segments/);
  },
);

test('what has no numbered segments begins anew, over what the attempt before has written: PMS always says so', () => {
  const background = plexCommands().filter(({ kind, isTruncated }) => {
    return !isTruncated && /^(optimize|sync|detection|analysis|thumb)/.test(kind);
  });
  expect(background.length).toBeGreaterThan(20);
  for (const { id, argv } of background) {
    expect(segmentedOutput(argv), id).toHaveProperty('problem');
    expect(argv, id).toContain('-y');
  }
});
