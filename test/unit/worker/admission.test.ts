import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ByteString } from '#shared/bytes.ts';
import type { JobSpec } from '#shared/job.ts';
import type { Mount } from '#shared/protocol/messages.ts';
import { confinementOf, type Places, whyRefused } from '../../../worker/attempts/admission.ts';
import { plexCommands } from '../pms/corpus.ts';

const places: Places = {
  mounts: [
    { path: '/transcode', mode: 'rw', problem: null },
    { path: '/mnt/media', mode: 'ro', problem: null },
    { path: '/mnt/médias', mode: 'ro', problem: null },
    { path: '/mnt/dead', mode: 'rw', problem: '/mnt/dead does not answer' },
  ],
  transcoderDirectory: '/usr/lib/plexmediaserver',
};

function specOf(argv: readonly ByteString[], cwd: ByteString = '/transcode/Sessions/a'): JobSpec {
  return {
    ...{
      jobId: 'j',
      session: null,
      jobClass: 'playback',
      title: 't',
      local: true,
      env: {},
      changes: [],
      plexPass: false,
    },
    ...{ argv: [...argv], cwd },
  };
}

function why(argv: readonly ByteString[], cwd?: ByteString): string | null {
  return whyRefused(specOf(argv, cwd), places);
}

describe('allowed', () => {
  test.each([
    [['-i', '/mnt/media/film.mkv', 'dash']],
    [['-i', 'file:/mnt/media/film.mkv', '/transcode/Sessions/a/out.mp4']],
    [['-i', '/mnt/médias/é.mkv', 'x']],
    [['-vf', 'x', '-font', '/usr/lib/plexmediaserver/Resources/Fonts/a.ttf', '-i', 'a', 'b']],
    [['-hwaccel_device', '/dev/dri/renderD128', '-i', 'a', '-f', 'null', '/dev/null']],
    [['-i', 'http://10.0.0.1:32499/livetv/x', 'x']],
    [['-i', '../b/temp-0.srt', 'x']],
    [['-i', '/mnt/media/a/../b.mkv', 'x']],
    [['-y', '', '-']],
    [['-i', 'file:///mnt/media/film.mkv', 'x']],
    [['-i', 'concat:/mnt/media/a.ts|file:/mnt/media/b.ts', 'x']],
    [['-i', '/mnt/media/Film: a|b, [c] {d}=100%.mkv', 'x']],
    [['-i', 'a', '-progress', 'pipe:1', '-segment_list', '/transcode/list.csv', 'x']],
    [['-i', 'a', '-passlogfile', 'log', '-hls_segment_filename', 'file:/transcode/%d.ts', 'x']],
    [['-i', 'a', '-vf', "subtitles='/mnt/media/a b.mkv:si=0',scale=-1:720", 'x']],
    [['-i', 'a', '-vf', 'subtitles=/mnt/media/a/../b.srt', 'x']],
    [['-i', 'a', '-vf', 'inlineass=font_path=/opt/plex/Resources/Fonts/a.otf:language=en', 'x']],
    [['-f', 'lavfi', '-i', 'movie=/mnt/media/a.mkv,scale=w=1:h=2', 'x']],
    [['-i', 'a', '-f', 'tee', '[f=mp4]/transcode/a.mp4|[f=mpegts]b.ts']],
    [['-i', 'a', '-metadata', 'title=AC/DC: /etc/../..', '-user_agent', 'TV (a; /b)', 'x']],
    [['-i', 'a', '-new', 'a/b', '-other', 'x=1:y=2/3', '-more', 'Referer: http://a/b', 'x']],
  ])('%j', (argv) => expect(why(argv)).toBeNull());

  test('a path that is not UTF-8, below a mount whose name is not ASCII', () => {
    const path = Buffer.concat([Buffer.from('/mnt/médias/'), Buffer.from([0xe9])]);
    expect(why(['-i', { base64: path.toString('base64') }, 'x'])).toBeNull();
  });
});

describe('refused, with the path and the setting', () => {
  test.each([
    [['-i', '/etc/passwd', 'x'], /^argument 2 \/etc\/passwd lies outside the mounts .*MOUNTS/],
    [['-i', '/mnt/mediaX/film.mkv', 'x'], /\/mnt\/mediaX\/film.mkv lies outside/],
    [['-i', '/mnt/media/../../etc/passwd', 'x'], /\/etc\/passwd lies outside/],
    [['-i', '../../../etc/passwd', 'x'], /\/etc\/passwd lies outside/],
    [['-i', 'file:../../../etc/passwd', 'x'], /\/etc\/passwd lies outside/],
    [['-i', 'concat:/mnt/media/a|/etc/passwd', 'x'], /\/etc\/passwd lies outside/],
    [['-i', 'subfile,,start,0,end,9,,:/etc/passwd', 'x'], /\/etc\/passwd lies outside/],
    [['-report', '/root/.ssh/id', '-i', 'a', 'x'], /\/root\/.ssh\/id lies outside/],
    [
      ['-i', 'a', '/mnt/media/out.mkv'],
      /\/mnt\/media\/out.mkv would be written, but MOUNTS declares it read only/,
    ],
    [['-i', 'a', '/usr/lib/plexmediaserver/Plex Transcoder'], /lies outside the mounts/],
    [['-i', 'file:///etc/passwd', 'x'], /\/etc\/passwd lies outside/],
    [['-i', 'concat:file:/etc/passwd', 'x'], /\/etc\/passwd lies outside/],
    [['-i', 'concat:a|../../../etc/passwd', 'x'], /\/etc\/passwd lies outside/],
    [['-i', 'crypto+file:/etc/passwd', 'x'], /\/etc\/passwd lies outside/],
    [['-i', 'cache:async:file:../../../etc/passwd', 'x'], /\/etc\/passwd lies outside/],
    [['-i', 'unix:/run/docker.sock', 'x'], /argument 2 uses the protocol unix, which no job may/],
    [['-i', 'a', 'tee:/etc/a|/etc/b'], /the protocol tee/],
    [['-i', 'a', '-progress', 'tcp://10.0.0.1:1', 'x'], /the protocol tcp/],
    [['-i', 'a', '-y', 'file:///etc/cron.d/x'], /\/etc\/cron.d\/x lies outside/],
    [['-i', 'a', '-vstats_file', '../../../etc/cron.d/x', 'x'], /argument 4 steps up/],
    [['-i', 'a', '-new', 'a/../../x', 'x'], /argument 4 steps up/],
    [['-i', 'a', '-progress', '/mnt/media/a.mkv', 'x'], /\/mnt\/media\/a.mkv would be written/],
    [['-i', 'a', '-hls_segment_filename', 'file:/mnt/media/%d', 'x'], /\/mnt\/media\/%d would be written/],
    [['-i', 'a', '-x264-params', 'stats=/mnt/media/a', 'x'], /\/mnt\/media\/a would be written/],
    [['-i', 'a', '-vf', 'metadata=print:file=/mnt/media/a', 'x'], /\/mnt\/media\/a would be written/],
    [['-report', '/mnt/media/a', '-i', 'a', 'x'], /\/mnt\/media\/a would be written/],
    [['-metadata', '--', '-y', '--', '/mnt/media/a'], /\/mnt\/media\/a would be written/],
    [['-f', 'lavfi', '-i', 'movie=/etc/passwd', 'x'], /\/etc\/passwd lies outside/],
    [['-i', 'a', '-vf', "movie='/et'c\\/passwd", 'x'], /\/etc\/passwd lies outside/],
    [['-i', 'a', '-filter:v', 'scale=1:2,lut3d=file=/etc/passwd', 'x'], /\/etc\/passwd lies outside/],
    [['-i', 'a', '-filter_complex', 'amovie=file\\\\:/etc/passwd[1]', 'x'], /\/etc\/passwd lies outside/],
    [['-i', 'a', '-lavfi', 'subtitles=../../../etc/passwd', 'x'], /argument 4 steps up/],
    [['-i', 'a', '-filter_complex_script', 'x.txt', 'x'], /argument 3 takes options from a file/],
    [['-i', 'a', '-/vf', 'x.txt', 'x'], /argument 3 takes options from a file/],
    [['-i', 'a', '-f', 'tee', '[f=mp4]/etc/x'], /\/etc\/x lies outside/],
    [['-i', 'a', '-f', 'tee', '/transcode/x|/etc/x'], /\/etc\/x lies outside/],
    [['-pattern_type', 'glob', '-i', '/mnt/media/.?/.?/etc/x.png', 'x'], /a file pattern/],
    [['-f', 'image2', '-i', '/mnt/media/.%?/.%?/etc/x.png', 'x'], /a file pattern/],
    [['-i', 'a', '-vf', 'x=/etc/Resources/Fonts/../passwd', 'x'], /\/etc\/Resources\/passwd lies/],
    [[{ base64: Buffer.from('-metadata').toString('base64') }, '-i', '/mnt/media/a'], /would be written/],
    [['-f', 'concat', '-i', '/mnt/media/list', 'x'], /argument 2 is the format concat, which no job may/],
    [['-safe', '0', '-i', '/mnt/media/list', 'x'], /argument 2 would let an input name files/],
    [['-protocol_whitelist', 'file,http', '-i', 'a', 'x'], /argument 2 would let an input name files/],
    [['-f', 'v4l2', '-i', 'a', 'x'], /the format v4l2/],
    [['-dump_attachment:t', '', '-i', 'a', 'x'], /argument 2 lets the input name the file that is written/],
    [['-i', 'a', '-vf', "'metadata'=print:file=/mnt/media/a", 'x'], /\/mnt\/media\/a would be written/],
    [['-i', 'a', '-vf', 'meta\\data@a.b=print:file=/mnt/media/a', 'x'], /\/mnt\/media\/a would be written/],
    [['-i', 'a', '-vf', 'movie=metadata=file=/mnt/media/a', 'x'], /\/mnt\/media\/a would be written/],
    [['-f', 'lavfi', '-i', 'testsrc,metadata=print:file=/mnt/media/a', 'x'], /the protocol testsrc/],
    [
      ['-f', 'lavfi', '-i', 'testsrc=d=1,metadata=file=/mnt/media/a', 'x'],
      /\/mnt\/media\/a would be written/,
    ],
    [['-f', 'LAVFI', '-i', 'concat,metadata=file=/etc/x:mode=print', 'x'], /\/etc\/x lies outside/],
    [['-f', 'lavfi', '-graph_file', 'graph', '-i', 'a', 'x'], /argument 3 takes options from a file/],
    [['-auto_conversion_filters', '-safe', '0', '-i', 'list', 'x'], /name files of its own choice/],
    [['-fix_sub_duration_heartbeat:v', '-safe', '0', '-i', 'list', 'x'], /name files of its own choice/],
    [['-autorotate', '-safe', '0', '-i', 'list', 'x'], /argument 1 takes a number/],
    [['-i', 'a', '-hls_master_name', '/mnt/media/a', 'x'], /\/mnt\/media\/a would be written/],
    [['-i', 'a', '-vvenc-params', 'rcstatsfile=/mnt/media/a', 'x'], /\/mnt\/media\/a would be written/],
    [['-f', 'CONCAT', '-i', 'list', 'x'], /argument 2 is the format CONCAT/],
    [['-f', 'lavfi', '-i', 'movie=l:f=concat:format_opts=safe=0', 'x'], /argument 4 has concat inside it/],
    [['-i', 'a', '-vf', "movie=l:format_opts='safe'=0", 'x'], /argument 4 has safe inside it/],
    [['-i', 'a', '-af', 'ladspa=file=/transcode/evil.so:p=x', 'x'], /argument 4 uses the filter ladspa/],
    [['-i', 'a', '-vf', "null,'sendcmd'=f=orders,drawtext", 'x'], /argument 4 uses the filter sendcmd/],
    [['-i', 'a', '-vf', 'zmq', 'x'], /argument 4 uses the filter zmq/],
    [['-i', '/mnt/dead/a', 'x'], /\/mnt\/dead\/a can't be used: \/mnt\/dead does not answer/],
  ] satisfies [ByteString[], RegExp][])('%j', (argv, reason) => expect(why(argv)).toMatch(reason));

  test.each(
    (
      'metadata ametadata asr whisper firequalizer curves deshake paletteuse psnr xpsnr ssim ssim360 vmafmotion ' +
      'libvmaf libvmaf_cuda vidstabdetect signature libplacebo'
    ).split(' '),
  )('the filter %s, which can write a file', (filter) => {
    expect(why(['-i', 'a', '-vf', `null,${filter}=/mnt/media/a`, 'x'])).toMatch(/would be written/);
  });

  test.each([
    ['/', /cwd \/ lies outside/],
    ['relative', /cwd "relative" is not an absolute path/],
    ['', /cwd "" is not an absolute path/],
    ['/mnt/media/a', /cwd \/mnt\/media\/a would be written/],
  ])('cwd %j', (cwd, reason) => expect(why(['-y'], cwd)).toMatch(reason));

  test('bytes that are not UTF-8', () => {
    const path = Buffer.concat([Buffer.from('/root/'), Buffer.from([0xff])]);
    expect(why(['-i', { base64: path.toString('base64') }, 'x'])).toMatch(/\/root\/\ufffd lies outside/);
  });
});

test('a launch follows the links of what lies in mounts, spelled as the command spells it', () => {
  const argv = [
    '-i',
    '/mnt/media/a/../b',
    '-i',
    '../c',
    '-i',
    `/mnt/media/${'x'.repeat(5_000)}`,
    '/dev/null',
  ];
  const { roots, files } = confinementOf(specOf(argv), places);
  expect(files).toEqual([
    { path: '/transcode/Sessions/a', mode: 'rw' },
    { path: '/mnt/media/a/../b', mode: 'ro' },
    { path: '/transcode/Sessions/a/../c', mode: 'ro' },
  ]);
  expect(roots.map(({ path }) => path)).toEqual(['/transcode', '/mnt/media']);
});

test('a refusal quotes the beginning of a long path', () => {
  const long = 'x'.repeat(9_000);
  for (const problem of [why(['-i', `/etc/${long}`, 'x']), why(['-y'], long)]) {
    expect(problem).toMatch(/x{250}/);
    expect(problem?.length).toBeLessThan(500);
  }
});

test('every command of the corpus may run where its files are mounted', () => {
  const roots = ['/transcode', '/library', '/mnt', '/media', '/share', '/data', '/data-ceph', '/path'];
  const mounts = roots.map((path): Mount => ({ path, mode: 'rw', problem: null }));
  const refused = plexCommands().flatMap(({ id, argv }) => {
    const problem = whyRefused(specOf(argv), { mounts, transcoderDirectory: '/elsewhere' });
    return problem === null ? [] : [[id, problem]];
  });
  expect(refused).toEqual([]);
});

test('no sequence of steps up and down leads an absolute path out of the mounts unnoticed', () => {
  const step = fc.constantFrom('..', '.', 'a', '', 'mnt', 'media', 'transcode', 'etc');
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const path = `/${steps.join('/')}`;
      const kernel: string[] = [];
      for (const name of path.split('/')) {
        if (name === '..') kernel.pop();
        else if (name !== '' && name !== '.') kernel.push(name);
      }
      const inside = /^(transcode|mnt\/media)(\/|$)/.test(kernel.join('/'));
      expect(why(['-opt', path, '-i', 'a', 'x']) === null).toBe(inside);
    }),
  );
});
