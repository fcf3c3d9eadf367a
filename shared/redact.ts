/** After its name the value follows as in a query, a header, an object or a list, whose quotes may be escaped. */
const PLEX_TOKEN =
  /(X[-_]Plex[-_]Token(?:%3D|\\*["']?\s*[:=]\s*\\*["']?|\\*["']\s*,\s*\\*["']))[^&"'\s\\,}]+/gi;
const BEARER = /(Bearer\s+)[^"'\s\\,}]+/gi;
const CREDENTIAL_PATH = /(\/job\/)[0-9a-f]{32}(?=\/)/g;

/** Replaces secrets in anything that people may see: Plex's tokens wherever they stand, and our own by value. */
export class Redactor {
  readonly #values: readonly string[];

  constructor(secrets: readonly (string | null)[]) {
    const given = secrets.filter((secret): secret is string => secret !== null && secret !== '');
    // In a log line a secret stands as JSON writes it.
    const written = given.map((secret) => JSON.stringify(secret).slice(1, -1));
    // The longest first: of one that begins with another nothing must be left over.
    this.#values = [...new Set([...given, ...written])].sort((a, b) => b.length - a.length);
  }

  redact(text: string): string {
    let clean = text
      .replace(PLEX_TOKEN, '$1[redacted]')
      .replace(BEARER, '$1[redacted]')
      .replace(CREDENTIAL_PATH, '$1[redacted]');
    for (const value of this.#values) clean = clean.replaceAll(value, '[redacted]');
    return clean;
  }
}
