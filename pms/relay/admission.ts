import { sameCredential } from './credentials.ts';
import type { HeldJob } from './heldJob.ts';

/** What transcoders may reach at PMS. */
const RELAYED_PATHS = ['/video/:/transcode/session/', '/livetv/'];

const WITH_CREDENTIAL = /^\/job\/([^/]+)(\/.*)$/s;

export type Admission =
  | { readonly path: string; readonly job: HeldJob | null }
  | { readonly refusal: 403 | 404 };

/**
 * Decides what a request may reach.
 *
 * @param url the request's target, with its query
 * @param needsCredential whether tokens are configured, so that every job's address carries a secret
 */
export function admit(url: string, held: Iterable<HeldJob>, needsCredential: boolean): Admission {
  const [, credential, target = url] = WITH_CREDENTIAL.exec(url) ?? [];
  const path = target.replace(/\?.*$/s, '');
  // No request's target has a fragment, and who knows where PMS thinks that the path ends.
  const relayed =
    !target.includes('#') && !climbs(path) && RELAYED_PATHS.some((prefix) => path.startsWith(prefix));
  if (!needsCredential) {
    if (!relayed || credential !== undefined) return { refusal: 404 };
    return { path: target, job: jobOf(path, held) };
  }
  if (credential === undefined) return { refusal: relayed ? 403 : 404 };
  for (const job of held) {
    if (job.credential === null || !sameCredential(credential, job.credential)) continue;
    return relayed && isInScope(path, job) ? { path: target, job } : { refusal: 403 };
  }
  return { refusal: 403 };
}

/** Which job a callback without credential is about: its session and job are in the path. */
function jobOf(path: string, held: Iterable<HeldJob>): HeldJob | null {
  for (const job of held) {
    if (isInScope(path, job)) return job;
  }
  return null;
}

/** `…/progress` itself, and what stands beside and below it. */
function isInScope(path: string, { scopes }: HeldJob): boolean {
  return scopes.some((scope) => path.startsWith(scope));
}

/** `/video/:/transcode/session/../../../library` is somewhere else, and so is its encoded form. */
function climbs(path: string): boolean {
  return /(^|\/|\\)\.{1,2}(\/|\\|$)/.test(
    path.replace(/%2e/gi, '.').replace(/%2f/gi, '/').replace(/%5c/gi, '\\'),
  );
}
