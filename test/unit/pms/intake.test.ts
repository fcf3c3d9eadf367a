import { expect, test } from 'vitest';
import { messageReader } from '#shared/protocol/codec.ts';
import { takeIn } from '../../../pms/relay/intake.ts';

function taken(argv: string[], env: Record<string, string> = {}) {
  const intake = takeIn(
    { ...{ type: 'job', jobId: 'j', argv, env, cwd: '/' }, local: true, verbose: false, before: null },
    {
      ...{ pmsOrigin: 'http://127.0.0.1:32400', callbackAddress: 'http://pms:32499', localAddress: null },
      ...{ token: null, hasPlexPass: () => false },
    },
  );
  if ('refusal' in intake) throw new Error(intake.refusal);
  return intake;
}

function submitted({ spec, given }: Pick<ReturnType<typeof taken>, 'spec' | 'given'>) {
  const message = { type: 'submit', job: spec, attempt: 0, ...(given && { given }) };
  return messageReader('relayToOrchestrator').read(JSON.stringify(message));
}

test('what the relay changed is told', () => {
  expect(taken(['-codec:0', 'aac_lc', '-i', 'x']).given).toEqual([{ at: 1, remove: 1, insert: ['aac_lc'] }]);
});

test.each([1_000, 10_001])('a command with %i changes is submitted in a message that is taken', (changes) => {
  const { spec, given } = taken([
    ...Array.from({ length: changes }, () => ['-codec:0', 'aac_lc']).flat(),
    '-i',
    'x',
  ]);
  expect(given === null).toBe(changes > 1_000);
  expect(submitted({ spec, given })).toHaveProperty('message');
});

test.each([
  ['concat:http://h/a?X-Plex-Token=S|http://h/b?X-Plex-Token=S', 'a?X-Plex-Token=[redacted]'],
  ['http://u:pw@host', '[redacted]@host'],
  ['/media/of plexs-own-token.mkv', 'of [redacted].mkv'],
  [`/media/${'y'.repeat(280)}.mkv?auth=secret-value`, `${'y'.repeat(280)}.mkv?auth=[redacted]`],
])('no title has a secret: %s', (input, title) => {
  expect(taken(['-i', input], { X_PLEX_TOKEN: 'plexs-own-token' }).spec.title).toBe(title);
});

test('a command with a longer session than can be told is submitted without it', () => {
  const sessions = [1_024, 1_025].map((length) => {
    const url = `http://127.0.0.1:32400/video/:/transcode/session/${'s'.repeat(length)}/j/progress`;
    const intake = taken(['-i', 'x', '-progressurl', url]);
    expect(submitted(intake)).toHaveProperty('message');
    return intake.spec.session?.length;
  });
  expect(sessions).toEqual([1_024, undefined]);
});
