import { type Licence, readLicence } from './licence.ts';

/** What Plex's service answers to who asks for EasyAudioEncoder. */
export interface Offer {
  /** Of the archive. */
  readonly address: string;
  /** SHA-1 of the archive, in hex; null where it is not said. */
  readonly sha1: string | null;
  readonly licence: Licence | null;
}

/** @throws when the answer offers nothing */
export function readOffer(xml: string): Offer {
  const [codec = ''] = /<Codec\b[^>]*>/i.exec(xml) ?? [];
  const address = attribute(codec, 'url');
  if (address === null) throw new Error('the answer names no archive of EasyAudioEncoder');
  const sha1 = attribute(codec, 'fileSha');
  return {
    address,
    sha1: sha1 !== null && /^[0-9a-f]{40}$/i.test(sha1) ? sha1.toLowerCase() : null,
    licence: readLicence(attribute(xml, 'license') ?? ''),
  };
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', quot: '"', apos: "'", lt: '<', gt: '>' };

function attribute(xml: string, name: string): string | null {
  const [, value = null] = new RegExp(`\\s${name}="([^"]*)"`).exec(xml) ?? [];
  return (
    value
      ?.replace(/&(\w+);/g, (entity, word) => ENTITIES[word] ?? entity)
      .replace(/&#(\d+);/g, (_all, code) => String.fromCodePoint(Number(code))) ?? null
  );
}
