import type { ByteString } from '#shared/bytes.ts';
import type { HookSettings } from '../hookSettings.ts';

const fs = process.getBuiltinModule('node:fs');
const { isUtf8 } = process.getBuiltinModule('node:buffer');

/** What the wrapper adds to the environment (shared/hookWrapper.ts); no transcoder sees it. */
const [SAVED, ORIGINAL] = ['HOOK_SAVED_', 'HOOK_ORIGINAL'];
/** What all that a worker starts carries (worker/transcoder/owner.ts): its own job, submitted again, would never end. */
const OWNER = 'CLUSTERPLEX_OWNER';

/** What PMS asked for. Argv, env and paths need not be UTF-8: they are strings of a byte per character (Latin-1). */
export type Call = ReturnType<typeof readCall>;

export function readCall(settings: HookSettings) {
  const { TRANSCODER_PATH: directory, TRANSCODER_LOCAL_NAME: name, TRANSCODER_VERBOSE: verbose } = settings;
  const elements = (file: string): string[] => fs.readFileSync(file, 'latin1').split('\0').slice(0, -1);
  const cmdline = elements('/proc/self/cmdline');
  const env: [string, string][] = [];
  let original = Buffer.from(`${directory.replace(/\/*$/, '/')}${name}`).toString('latin1');
  for (const entry of elements('/proc/self/environ')) {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(entry) ?? [];
    if (key === ORIGINAL) original = value;
    else if (key) env.push([key.startsWith(SAVED) ? key.slice(SAVED.length) : key, value]);
  }
  const args = cmdline.slice(cmdline.length - (process.argv.length - 2));
  const isWorkers = env.some(([key]) => key === OWNER);
  return { args, env, cwd: fs.readlinkSync('/proc/self/cwd', 'latin1'), original, verbose, isWorkers };
}

/** The process goes on as the original transcoder, so that PMS sees its genuine end. */
export function runLocally(call: Call, reason: string): never {
  const { args, env, original, verbose } = call;
  if (verbose) say(`running locally: ${reason}`);
  const words = wordsOf(call);
  // Node ignores these two, and what is ignored stays so in the next program; what is handled gets its default back.
  for (const signal of ['SIGPIPE', 'SIGXFSZ'] as const) process.on(signal, () => {});
  if (isUtf8(Buffer.from(words.join('\0'), 'latin1'))) {
    const pairs = env.map(([name, value]) => [text(name), text(value)]);
    process.execve?.(text(original), [original, ...args].map(text), Object.fromEntries(pairs));
  }
  process.execve?.('/bin/sh', shellArgv(words, ''), { LC_ALL: 'C' });
  throw new Error('this Node has no process.execve');
}

/**
 * The transcoder's environment, itself and its arguments.
 *
 * @throws when it can't be started; a failing execve would abort the process
 */
export function wordsOf({ args, env, original }: Call): string[] {
  fs.accessSync(Buffer.from(original, 'latin1'), fs.constants.X_OK);
  return [...env.map((pair) => pair.join('=')), original, ...args];
}

/**
 * Node can't pass on bytes that are not UTF-8, so the shell's printf makes them from text.
 *
 * @param before what the shell does before it becomes the transcoder
 */
export function shellArgv(words: readonly string[], before: string): string[] {
  const parameters: string[] = [];
  const reference = (parameter: string): string => `\${${parameters.push(parameter)}}`;
  const octal = (char: string): string => `\\0${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
  let setup = '';
  const quoted = words.map((word, index) => {
    if (typeof byteString(word) === 'string') return `"${reference(text(word))}"`;
    // In pieces, because Linux takes at most 128 KiB in one argument.
    const pieces = word.replace(/[\\\x80-\xff]/g, octal).match(/.{1,100000}/gs) ?? [];
    // The dot keeps newlines at the end, which a command substitution would drop.
    setup += `w${index}=$(printf '%b.' "${pieces.map(reference).join('')}"); w${index}=\${w${index}%.}; `;
    return `"$w${index}"`;
  });
  // `env -i`, not the shell's own exports: a shell drops variables whose names it doesn't like, and adds some.
  return ['sh', '-c', `${setup}${before}exec /usr/bin/env -i -- ${quoted.join(' ')}`, 'sh', ...parameters];
}

export function text(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

export function byteString(bytes: string): ByteString {
  const buffer = Buffer.from(bytes, 'latin1');
  return isUtf8(buffer) ? buffer.toString() : { base64: buffer.toString('base64') };
}

export function bytesAsText(value: ByteString): string {
  const buffer = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64');
  return buffer.toString('latin1');
}

export function say(text: string): void {
  try {
    fs.writeSync(2, `clusterplex: ${text}\n`);
  } catch {}
}
