/** What a cluster must have before. Another one of a site is added here, or its rule refuses it. */

/** Secrets, and their key: deploy/README.md says how each is made. */
export const SECRETS_FROM_OUTSIDE: ReadonlyMap<string, string> = new Map([
  ['clusterplex-token', 'token'],
  ['clusterplex-plex-claim', 'claim'],
]);

/** Of k3s, and of Longhorn. */
export const STORAGE_CLASSES_FROM_OUTSIDE: ReadonlySet<string> = new Set(['local-path', 'longhorn']);
