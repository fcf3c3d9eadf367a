import { describe, expect, test } from 'vitest';
import { requirementsOf } from '#shared/requirements.ts';
import { lastsLonger, readLicence } from '../../../worker/eae/licence.ts';
import { readOffer } from '../../../worker/eae/offer.ts';

describe('a licence', () => {
  test.each([
    ['1764547200 aaa bbb\n', 1_764_547_200_000],
    ['lifetime aaa bbb', null],
    ['of a new kind', null],
  ])('%j ends at %j', (text, endsAt) => {
    expect(readLicence(text)).toEqual({ text: text.trim(), endsAt });
  });

  test('is none when nothing is there', () => {
    expect(readLicence(' \n')).toBeNull();
  });

  test('lasts longer than another that ends', () => {
    const [soon, late, never] = [1, 2, null].map((endsAt) => ({ text: '', endsAt }));
    if (!soon || !late || !never) throw new Error();
    const found = [
      lastsLonger(late, soon),
      lastsLonger(never, late),
      lastsLonger(soon, late),
      lastsLonger(never, never),
    ];
    expect(found).toEqual([true, true, false, false]);
  });
});

describe('an offer', () => {
  const sha1 = '0123456789abcdef0123456789abcdef01234567';

  test('names the archive, its sum and the licence, wherever that stands', () => {
    const codec = `<Codec id="1" url="https://downloads.plex.tv/eae.zip?a=1&amp;b=2" fileSha="${sha1}"`;
    const offer = {
      address: 'https://downloads.plex.tv/eae.zip?a=1&b=2',
      sha1,
      licence: { text: '1764547200 aaa', endsAt: 1_764_547_200_000 },
    };
    expect(readOffer(`<MediaContainer>${codec} license="1764547200 aaa"/></MediaContainer>`)).toEqual(offer);
    expect(readOffer(`<MediaContainer license="1764547200&#32;aaa">${codec}></MediaContainer>`)).toEqual(
      offer,
    );
  });

  test('may do without sum and licence, and not without an archive', () => {
    expect(readOffer('<Codec url="http://a/b.zip"/>')).toEqual({
      address: 'http://a/b.zip',
      sha1: null,
      licence: null,
    });
    expect(() => readOffer('<html></html>')).toThrow('names no archive');
  });
});

test.each([
  [true, ['-codec:1', 'eac3_eae', '-i', '/m/f.mkv']],
  [true, ['-i', '/m/f.mkv', '-codec:1', 'eac3_eae', 'dash']],
  [false, ['-codec:1', 'eac3', '-i', '/m/eac3_eae.mkv']],
  [false, ['-metadata', '-eae_prefix', '-i', '/m/f.mkv', '-codec:0', 'copy', 'out_eae']],
])('EasyAudioEncoder is needed (%s) by %j', (needed, argv) => {
  expect(requirementsOf(argv).eae.length > 0).toBe(needed);
});
