import { type ByteString, readable } from './bytes.ts';
import { Redactor } from './redact.ts';

const HIDDEN = '[redacted]';
/** Shorter ones would hide ordinary words wherever else they stand. */
const LEAST_TELLING = 8;
/** Each is looked for in every element, and nobody may wait for that: with more of them all is hidden. */
const MOST_VALUES = 100;

/** Of an option, a parameter, a header or a variable: nobody is to see its value. An author is no authorisation. */
const SECRET_NAME =
  /token|secret|passw|passphrase|pwd|auth(?!or(?!i[sz]))|credential|signature|cookie|keys?$/i;

/** A name, and what stands between it and its value in a query, a header, JSON or a list, whose quotes may be escaped. */
const NAMED = /(?<![\w.-])([\w.-]+)(\\*["']?\s*(?:=|:|%(?:25)*3D)\s*\\*["']?|\\*["']\s*,\s*\\*["'])/gi;
const QUOTED = /[^"'\r\n]*/y;
/** What begins there is a word of a title, and no header: but for what ffmpeg says after `[http @ 0x1] `. */
const WORD_START = /(?<=\/|[^\]\s] )/y;
const HEADER = /[^\r\n]*/y;
const PARAMETER = /[^&\s"'|]*/y;

/** To the last @: a password may have some. */
const LOGIN = /(?<=\/\/)[^/\s"']+(?=@)/g;
const CREDENTIAL = /(?<=\/job\/)[0-9a-f]{32}(?![0-9a-f])/g;
/** With its stream specifier. */
const OPTION = /^-{1,2}([A-Za-z][\w.-]*)(?::[a-z0-9:#]{1,16})?$/;

/** The same text without the values of what is named like a secret; each is told to `found`. */
function withoutNamed(text: string, found: (secret: string) => void): string {
  let clean = '';
  let from = 0;
  NAMED.lastIndex = 0;
  for (let match = NAMED.exec(text); match; match = NAMED.exec(text)) {
    const [, name = '', separator = ''] = match;
    if (!SECRET_NAME.test(name)) continue;
    WORD_START.lastIndex = match.index;
    if (/:\s+$/.test(separator) && WORD_START.test(text)) continue;
    const start = NAMED.lastIndex;
    const form = /["']$/.test(separator) ? QUOTED : separator.includes(':') ? HEADER : PARAMETER;
    form.lastIndex = start;
    const value = form.exec(text)?.[0] ?? '';
    if (value === '') continue;
    found(value);
    clean += text.slice(from, start) + HIDDEN;
    from = start + value.length;
    NAMED.lastIndex = from;
  }
  return clean + text.slice(from);
}

/** What people may see of one job's commands and their output: everything but the secrets that it was given, and ours. */
export class JobSecrets {
  /** Null: it has too many. */
  readonly #redactor: Redactor | null;

  /** @param own our own tokens */
  constructor(
    {
      argv,
      env,
    }: { readonly argv: readonly ByteString[]; readonly env: Readonly<Record<string, ByteString>> },
    own: readonly (string | null)[],
  ) {
    const values = new Set<string>();
    const found = (secret: string): void => {
      for (const part of [secret, decoded(secret), ...secret.split(/\s+/)]) {
        if (part.length >= LEAST_TELLING) values.add(part);
      }
    };
    for (const [name, value] of Object.entries(env)) {
      if (SECRET_NAME.test(name)) found(readable(value));
    }
    hidden(argv.map(readable), found);
    values.delete(HIDDEN);
    this.#redactor = values.size > MOST_VALUES ? null : new Redactor([...own, ...values]);
  }

  argv(argv: readonly ByteString[]): string[] {
    const redactor = this.#redactor;
    if (!redactor) return argv.map(() => HIDDEN);
    return hidden(argv.map(readable), () => undefined).map((element) => redactor.redact(element));
  }

  text(text: string): string {
    if (!this.#redactor) return text && HIDDEN;
    return this.#redactor.redact(withoutNamed(text, () => undefined).replace(LOGIN, HIDDEN));
  }
}

function hidden(argv: readonly string[], found: (secret: string) => void): string[] {
  const hide = (secret: string): string => {
    found(secret);
    return HIDDEN;
  };
  return argv.map((element, index) => {
    const option = OPTION.exec(argv[index - 1] ?? '')?.[1];
    if (option !== undefined && SECRET_NAME.test(option)) return hide(element);
    if (OPTION.test(element)) return element;
    return withoutNamed(element, found).replace(LOGIN, hide).replace(CREDENTIAL, hide);
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
