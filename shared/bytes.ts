import { isUtf8 } from 'node:buffer';
import { type Static, Type } from 'typebox';

/**
 * A string of bytes as it travels in JSON: text where the bytes are valid UTF-8, else base64. Paths and arguments on
 * Linux are bytes, and Plex libraries hold names that are not UTF-8 (old ripping tools wrote Latin-1).
 */
export const ByteString = Type.Union([
  Type.String(),
  Type.Object({ base64: Type.String() }, { additionalProperties: false }),
]);
export type ByteString = Static<typeof ByteString>;

export function byteString(bytes: Buffer): ByteString {
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') };
}

export function bytesOf(value: ByteString): Buffer {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value.base64, 'base64');
}

/** Every byte as one character, so that bytes compare, and are looked through, as texts do. */
export function latin1(value: ByteString): string {
  return bytesOf(value).toString('latin1');
}

/** For people: bytes that are not text show as U+FFFD. Never send this on. */
export function readable(value: ByteString): string {
  return typeof value === 'string' ? value : bytesOf(value).toString('utf8');
}

/** The text, or as much of its beginning as fits into `length` UTF-16 units. */
export function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
