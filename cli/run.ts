import { parseArgs } from 'node:util';
import { coerceError } from '#shared/errors.ts';
import { differByOneEdit } from '#shared/settings/read.ts';
import { Call, COMMON_OPTIONS, type Command } from './command.ts';
import { OWN_VERSION } from './commands/version.ts';
import { COMMANDS } from './commands.ts';
import { BAD_SETTINGS, Failure, INTERNAL } from './failure.ts';
import { helpOf, overview, PARTS } from './help.ts';
import type { Output } from './output.ts';

/** Does what the words after `clusterplex` ask for; the exit code. */
export async function run(words: readonly string[], out: Output, errors: Output): Promise<number> {
  try {
    return await runCommand(words, out);
  } catch (error) {
    return failed(error, errors);
  }
}

async function runCommand([name, ...args]: readonly string[], out: Output): Promise<number> {
  if (name === '--version') return print(out, `${OWN_VERSION}\n`);
  const commandCalled = (word: string | undefined) => COMMANDS.find((each) => each.name === word);
  if (name === undefined || ['--help', '-h', 'help'].includes(name)) {
    const about = commandCalled(args[0]);
    return print(out, about ? helpOf(about) : overview(COMMANDS));
  }
  const command = commandCalled(name);
  if (!command) {
    const near = nearest(name);
    throw new Failure(
      BAD_SETTINGS,
      `there is no command ${JSON.stringify(name)}${near.length > 0 ? `; did you mean ${near.join(' or ')}?` : ''}`,
      'clusterplex --help lists them',
    );
  }
  const { values, positionals } = parsed(command, args);
  if (values['help'] === true) return print(out, helpOf(command));
  return (await command.run(new Call(command, out, values, positionals))) ?? 0;
}

/** What begins with it, or differs by a slip: a letter, or two in the wrong order. */
function nearest(word: string): string[] {
  const letters = (name: string): string => [...name].sort().join('');
  return [...COMMANDS, ...PARTS]
    .map(({ name }) => name)
    .filter((name) => {
      return name.startsWith(word) || differByOneEdit(name, word) || letters(name) === letters(word);
    });
}

function parsed(command: Command, args: string[]) {
  try {
    const options = { ...command.options, ...COMMON_OPTIONS };
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    // Node's second sentence is about arguments that begin with a dash, which none of ours does.
    const [problem = ''] = coerceError(error).message.split('. ');
    throw new Failure(BAD_SETTINGS, problem, `see clusterplex ${command.name} --help`);
  }
}

function print(out: Output, text: string): number {
  out.text(text);
  return 0;
}

function failed(error: unknown, said: Output): number {
  for (const text of coerceError(error).message.split('\n')) said.line({ text, style: 'red' });
  if (error instanceof Failure && error.hint !== null) said.line(`(${error.hint})`);
  return error instanceof Failure ? error.exitCode : INTERNAL;
}
