/**
 * The settings of a part, as a table: reading, `--help` and docs/configuration.md all come from it. A setting is an
 * environment variable; `NAME_FILE` names a file that holds its value.
 */
export interface Setting<T> {
  /** What the value may look like, for people: `0 to 65535`, `local, remote or both`. */
  readonly form: string;
  /** The default as it would be written in the environment; null when there is none. */
  readonly default: string | null;
  readonly doc: string;
  readonly secret: boolean;
  /** Reads a value that is not empty; throws an Error whose message completes "is …". */
  parse(text: string): T;
  /** The value where the variable is unset or empty. */
  readonly absent: T;
}

export type SettingsTable = Readonly<Record<string, Setting<unknown>>>;
export type SettingsOf<T extends SettingsTable> = {
  readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never;
};

export function text(value: string, doc: string): Setting<string> {
  return { form: 'text', default: value || null, doc, secret: false, parse: (given) => given, absent: value };
}

export function optionalText(doc: string): Setting<string | null> {
  return { form: 'text', default: null, doc, secret: false, parse: (given) => given, absent: null };
}

export function secret(doc: string): Setting<string | null> {
  return {
    ...optionalText(doc),
    form: 'ASCII text',
    secret: true,
    parse(given) {
      // It travels in a header, where programs disagree about every other character.
      if (!/^[\x20-\x7e]*$/.test(given)) throw new Error('not one line of ASCII characters');
      return given;
    },
  };
}

export function integer(value: number, min: number, max: number, doc: string): Setting<number> {
  return {
    form: `${min} to ${max}`,
    default: String(value),
    doc,
    secret: false,
    absent: value,
    parse(given) {
      const read = Number(given);
      if (!/^-?\d+$/.test(given) || read < min || read > max) {
        throw new Error(`not a whole number from ${min} to ${max}${serviceLinkHint(given)}`);
      }
      return read;
    },
  };
}

export function port(value: number, doc: string): Setting<number> {
  return integer(value, 0, 65_535, doc);
}

export function milliseconds(value: number, doc: string): Setting<number> {
  const setting = integer(value, 0, 2_147_483_647, doc);
  return { ...setting, form: 'milliseconds' };
}

const YES = ['1', 'true', 'yes', 'on'];
const NO = ['0', 'false', 'no', 'off'];

export function flag(value: boolean, doc: string): Setting<boolean> {
  return {
    form: '1 or 0',
    default: value ? '1' : '0',
    doc,
    secret: false,
    absent: value,
    parse(given) {
      const lower = given.toLowerCase();
      if (YES.includes(lower)) return true;
      if (NO.includes(lower)) return false;
      throw new Error('neither 1 (true, yes, on) nor 0 (false, no, off)');
    },
  };
}

export function choice<const V extends string>(values: readonly V[], value: V, doc: string): Setting<V> {
  const form = values.join(', ').replace(/, ([^,]*)$/, ' or $1');
  return {
    form,
    default: value,
    doc,
    secret: false,
    absent: value,
    parse(given) {
      const found = values.find((candidate) => candidate.toLowerCase() === given.toLowerCase());
      if (found === undefined) throw new Error(`none of ${values.join(', ')}`);
      return found;
    },
  };
}

export function httpUrl(value: string, doc: string): Setting<string> {
  return {
    form: 'http(s) address',
    default: value,
    doc,
    secret: false,
    absent: value,
    parse(given) {
      const url = URL.parse(given);
      if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
        throw new Error(`not an http(s) address such as ${value}${serviceLinkHint(given)}`);
      }
      // Paths are appended to it.
      if (/[?#]/.test(given))
        throw new Error('not an address to build on: leave out ? and #, and what follows');
      return given;
    },
  };
}

function serviceLinkHint(given: string): string {
  return /^(tcp|udp):\/\//.test(given)
    ? '; Kubernetes injected it for a Service of that name: set enableServiceLinks: false'
    : '';
}
