import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { corpus, corpusCommand } from '../support/corpus.ts';
import { FakePms } from '../support/fakePms.ts';
import {
  behaviour,
  expectedOutput,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';
import { retarget } from '../support/retarget.ts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'stand-ins-'));
});

afterEach(() => rm(home, { recursive: true, force: true }));

describe('the recording transcoder', () => {
  let recorder: RecordingTranscoder;

  beforeEach(async () => {
    recorder = await installRecordingTranscoder(home);
  });

  afterEach(() => recorder.endAll());

  test('records arguments, environment and cwd byte for byte', async () => {
    const code =
      'cd "$1" && exec env -i "A=b c" "E=$(printf "\\351")" "$0" "" "a b" "$(printf "\\351\\n.")" ""';
    await promisify(execFile)('/bin/sh', ['-c', code, recorder.path, home]);

    const [record] = await recorder.waitForRecords(1);
    expect(record?.argv).toEqual(['', 'a b', '\xe9\n.', ''].map((element) => Buffer.from(element, 'latin1')));
    expect(record?.env).toEqual(['A=b c', 'E=\xe9'].map((element) => Buffer.from(element, 'latin1')));
    expect(record?.cwd.toString()).toBe(home);
  });

  test('ends as told, by its command or by the file beside it', async () => {
    await recorder.behave([{ exit: 3 }]);
    const ends = await Promise.all(
      [[], behaviour({ exit: 7 }), behaviour({ signal: 'SEGV' }), behaviour({ signal: 'KILL' })].map((argv) =>
        once(spawn(recorder.path, argv, { stdio: 'ignore' }), 'exit'),
      ),
    );

    expect(ends).toEqual([
      [3, null],
      [7, null],
      [null, 'SIGSEGV'],
      [null, 'SIGKILL'],
    ]);
  });

  test('writes exactly so many bytes, to stdout and stderr in turn', async () => {
    const child = spawn(recorder.path, behaviour({ output: 5_000 }));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);

    expect({ stdout, stderr }).toEqual(expectedOutput(5_000));
    expect(stdout.length + stderr.length).toBe(5_000);
  });

  test.each([
    ['blocks until a signal', behaviour({ output: 1 }, { block: true }), [null, 'SIGTERM']],
    ['answers SIGTERM with a code', behaviour({ onTerm: 255 }, { output: 1 }, { block: true }), [255, null]],
    ['ignores SIGTERM', behaviour({ ignore: 'TERM' }, { signal: 'TERM' }, { output: 1 }), [0, null]],
  ])('%s', async (_, argv, end) => {
    const child = spawn(recorder.path, argv, { stdio: ['ignore', 'pipe', 'ignore'] });
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    child.kill('SIGTERM');

    expect(await exited).toEqual(end);
  });

  test('ends the runs that still go on', async () => {
    const child = spawn(recorder.path, behaviour({ block: true }), { stdio: 'ignore' });
    const exited = once(child, 'exit');
    await recorder.waitForRecords(1);
    await recorder.endAll();

    expect(await exited).toEqual([null, 'SIGKILL']);
  });

  test('leaves children behind, also in a session of their own', async () => {
    const out = join(home, 'out');
    const argv = behaviour({ child: 'plain' }, { child: 'setsid' }, { append: out }, { exit: 0 });
    const child = spawn(recorder.path, argv, { stdio: 'ignore', detached: true });
    expect(await once(child, 'exit')).toEqual([0, null]);

    const [plain = 0, own = 0] = await recorder.children();
    expect(await groupOf(plain)).toBe(child.pid);
    expect(await groupOf(own)).not.toBe(child.pid);
    expect(await readFile(out, 'utf8')).toBe(`${child.pid}\n`);
  });
});

describe('the fake PMS', () => {
  let pms: FakePms;
  const path = '/video/:/transcode/session/s/j';

  beforeEach(async () => {
    pms = await FakePms.start();
    pms.expect({ session: 's', job: 'j' });
  });

  afterEach(() => pms.close());

  async function ask(method: string, target: string, token = pms.token): Promise<string> {
    const socket = connect(pms.port, '127.0.0.1');
    const head = `${method} ${target} HTTP/1.1\r\nHost: pms\r\nConnection: close\r\nX-Plex-Token: ${token}\r\n`;
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`);
    return text(socket);
  }

  test.each([
    ['PUT', `${path}/progress?status=startup`, 204],
    ['PUT', `${path}/progress?progress=1.0`, 200],
    ['PUT', `${path}/progress/stream?index=0`, 200],
    ['POST', `${path}/progress?progress=1.0`, 404],
    ['POST', `${path}/progress/log?level=0`, 200],
    ['POST', `${path}/manifest`, 200],
    ['PUT', `${path}/manifest`, 404],
    ['PUT', '/video/:/transcode/session/s/other/progress?progress=1.0', 404],
    ['GET', '/library', 404],
    ['GET', '/livetv/sessions/1/index.m3u8', 404],
  ])('%s %s is answered with %i', async (method, target, status) => {
    expect(await ask(method, target)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  test('a wrong token is refused', async () => {
    expect(await ask('POST', `${path}/manifest`, 'wrong')).toMatch(/^HTTP\/1.1 401 /);
    expect(pms.manifests).toEqual([]);
  });

  test('replies carry Content-Length twice, and canThrottle when told to', async () => {
    const unthrottled = await ask('PUT', `${path}/progress?progress=1.0`);
    pms.throttle = true;
    const throttled = await ask('PUT', `${path}/progress?progress=1.0`);

    expect(unthrottled.match(/Content-Length: \d+\r\n/g)).toHaveLength(2);
    expect(unthrottled).not.toContain('canThrottle');
    expect(throttled).toContain('<MediaContainer canThrottle="1">');
  });

  test('a manifest is remembered, and whoever waits for it gets it', async () => {
    const next = pms.nextManifest();
    await ask('POST', `${path}/manifest`);

    expect(await next).toBe('body');
    expect(pms.manifests).toEqual(['body']);
  });
});

describe('the corpus', () => {
  const options = { input: '/new/film.mkv', pmsPort: 1234, transcodeDirectory: '/t', session: 's', job: 'j' };

  test('holds every line of both files', () => {
    expect(corpus(['plex-captures'])).toHaveLength(69);
    expect(corpus(['transcoder-commands'])).toHaveLength(100);
  });

  test('a retargeted command differs in its addresses, paths and ids, and nowhere else', () => {
    const command = corpusCommand('sp-acc-7510');
    const { argv, cwd } = retarget(command, options);
    const changed = argv.filter((element, index) => element !== command.argv[index]);

    expect(cwd).toBe('/t/Transcode/Sessions/plex-transcode-s-j');
    expect(argv).toHaveLength(command.argv.length);
    expect(changed).toEqual([
      's_',
      '/new/film.mkv',
      'http://127.0.0.1:1234/video/:/transcode/session/s/j/progress',
      'http://127.0.0.1:1234/video/:/transcode/session/s/j/manifest?X-Plex-Http-Pipeline=infinite',
    ]);
  });

  test('a seek changes every input and the number of the first segment, and drops -fps_mode', () => {
    const { argv, cwd } = retarget(corpusCommand('sp-acc-7429'), { ...options, start: 30 });
    const valuesAfter = (name: string): (string | undefined)[] =>
      argv.flatMap((element, index) => (element === name ? [argv[index + 1]] : []));

    expect(valuesAfter('-ss')).toEqual(['30', '30']);
    expect(valuesAfter('-i')).toEqual(['/new/film.mkv', `${cwd}/temp-0.srt`]);
    expect(valuesAfter('-segment_start_number')).toEqual(['30']);
    expect(argv).not.toContain('-fps_mode');
    const dash = retarget(corpusCommand('mc-dash-34'), { ...options, start: 20 }).argv;
    expect(dash[dash.indexOf('-skip_to_segment') + 1]).toBe('5');
    expect(dash[dash.indexOf('-segment_start_number') + 1]).toBe('0');
  });
});

async function groupOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}
