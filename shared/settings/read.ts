import { CodedError, coerceError, systemErrorCode } from '../errors.ts';
import { FOREIGN_NAMES, KNOWN_SETTINGS } from './names.ts';
import type { Setting, SettingsOf, SettingsTable } from './table.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a part's settings and checks every one of them.
 *
 * @param readFile reads the file that a `NAME_FILE` variable names
 * @throws CodedError `bad-settings`, whose message lists all problems, a line each
 */
export function readSettings<T extends SettingsTable>(
  table: T,
  env: Environment,
  readFile: (path: string) => string,
): SettingsOf<T> {
  const problems: string[] = [];
  const values = Object.fromEntries(
    Object.entries(table).map(([name, setting]) => {
      try {
        return [name, readOne(name, setting, env, readFile)];
      } catch (error) {
        problems.push(coerceError(error).message);
        return [name, setting.absent];
      }
    }),
  );
  problems.push(...misspelled(env));
  if (problems.length > 0) {
    throw new CodedError('bad-settings', problems.join('\n'), '--help lists the settings');
  }
  // Each value came from its own row's parser; the mapped type says the same, but only row by row.
  return values as SettingsOf<T>;
}

/** What may stand in no log. */
export function secretsOf<T extends SettingsTable>(table: T, settings: SettingsOf<T>): string[] {
  return Object.entries(table).flatMap(([name, { secret }]) => {
    const value: unknown = secret ? settings[name] : null;
    if (typeof value === 'string') return [value];
    // Of a list. One of them may as well be `X-Scope-OrgID=1`, without which no line could be read.
    return Object.values(value ?? {}).filter((one) => typeof one === 'string' && one.length >= 8);
  });
}

function readOne(
  name: string,
  setting: Setting<unknown>,
  env: Environment,
  readFile: (path: string) => string,
): unknown {
  const file = env[`${name}_FILE`];
  const direct = unquoted(env[name] ?? '');
  if (file && direct) throw new Error(`${name} is set twice: as itself and through ${name}_FILE`);
  const given = file ? contentOf(file, `${name}_FILE`, readFile) : direct;
  if (given === '') return setting.absent;
  try {
    return setting.parse(given);
  } catch (error) {
    const shown = setting.secret ? 'its value' : JSON.stringify(given);
    throw new Error(`${name} is wrong: ${shown} is ${coerceError(error).message}`);
  }
}

function contentOf(file: string, variable: string, readFile: (path: string) => string): string {
  try {
    return readFile(file).trim();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') throw new Error(`${variable}: there is no ${file}`);
    throw new Error(`${variable}: ${file} can't be read (${code ?? coerceError(error).message})`);
  }
}

/** Compose's list form (`- NAME="value"`) keeps the quotes; nobody means them. */
function unquoted(given: string): string {
  const trimmed = given.trim();
  return /^(["']).*\1$/.test(trimmed) ? trimmed.slice(1, -1) : trimmed;
}

/**
 * Variables that were surely meant for us and that nobody reads. Only our own prefix and one-letter slips count: the
 * environment is full of other people's variables.
 */
function misspelled(env: Environment): string[] {
  return Object.keys(env).flatMap((name) => {
    const base = name.replace(/_FILE$/, '');
    if (FOREIGN_NAMES.has(name)) return [];
    if (KNOWN_SETTINGS.includes(base) || KNOWN_SETTINGS.includes(name)) return [];
    const near = KNOWN_SETTINGS.find((known) => known.length >= 8 && differByOneEdit(known, base));
    if (near) return [`${name} is unknown; did you mean ${near}?`];
    if (name.startsWith('CLUSTERPLEX_') && !isServiceLink(name)) return [`${name} is unknown`];
    return [];
  });
}

/** What to tell of variables that are probably not meant for us, and perhaps are: a line each. */
export function lookalikes(env: Environment): string[] {
  return [...FOREIGN_NAMES].flatMap(([name, ours]) =>
    env[name] === undefined ? [] : [`${name} is not read here; did you mean ${ours}?`],
  );
}

/** Kubernetes and Docker links: `X_SERVICE_HOST`, `X_SERVICE_PORT_HTTP`, `X_PORT`, `X_PORT_3500_TCP_ADDR`. */
function isServiceLink(name: string): boolean {
  return /_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)$/.test(name);
}

/** A letter is another one, too many, or missing. */
export function differByOneEdit(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  return Math.max(a.length, b.length) - start - end === 1;
}
