import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The secret in the callback addresses of one job, 32 hexadecimal digits. Derived, not drawn: after a restart the relay
 * knows the transcoders that its predecessor's jobs left running.
 */
export function credentialOf(jobId: string, token: string): string {
  return createHmac('sha256', token).update(jobId).digest('hex').slice(0, 32);
}

/** In constant time. */
export function sameCredential(given: string, expected: string): boolean {
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}
