import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ByteString } from '#shared/bytes.ts';
import type { JobSpec } from '#shared/job.ts';
import { type Places, whyRefused } from '../../../worker/attempts/admission.ts';

const places: Places = {
  mounts: [
    { path: '/transcode', mode: 'rw', problem: null },
    { path: '/mnt/media', mode: 'ro', problem: null },
    { path: '/mnt/médias', mode: 'ro', problem: null },
    { path: '/mnt/dead', mode: 'rw', problem: '/mnt/dead does not answer' },
  ],
  transcoderDirectory: '/usr/lib/plexmediaserver',
};

function why(argv: readonly ByteString[], cwd: ByteString = '/transcode/Sessions/a'): string | null {
  const spec: JobSpec = {
    ...{ jobId: 'j', session: null, jobClass: 'playback', title: 't', local: true, env: {}, changes: [] },
    ...{ argv: [...argv], cwd },
  };
  return whyRefused(spec, places);
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
    [['-i', '/mnt/dead/a', 'x'], /\/mnt\/dead\/a can't be used: \/mnt\/dead does not answer/],
  ])('%j', (argv, reason) => expect(why(argv)).toMatch(reason));

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
