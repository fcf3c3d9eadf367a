import { parseArgs } from 'node:util';
import { coerceError } from '#shared/errors.ts';
import { VERSION } from '#shared/version.ts';
import { Call, COMMON_OPTIONS, type Command } from './command.ts';
import { COMMANDS } from './commands.ts';
import { BAD_SETTINGS, Failure, INTERNAL } from './failure.ts';
import { helpOf, overview } from './help.ts';
import { Output } from './output.ts';

// How the installer strips the hook’s types makes Node warn.
process.removeAllListeners('warning');
// Whoever reads may have read enough: `clusterplex jobs | head`.
process.stdout.on('error', () => process.exit(0));
process.exitCode = await main(process.argv.slice(2)).catch(failed);

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === '--version') return print(`${VERSION}\n`);
  if (name === undefined || ['--help', '-h', 'help'].includes(name)) return print(overview(COMMANDS));
  const command = COMMANDS.find((each) => each.name === name);
  if (!command) {
    throw new Failure(
      BAD_SETTINGS,
      `there is no command ${JSON.stringify(name)}`,
      'clusterplex --help lists them',
    );
  }
  const { values, positionals } = parsed(command, args);
  if (values['help'] === true) return print(helpOf(command));
  return (await command.run(new Call(command, new Output(process.stdout), values, positionals))) ?? 0;
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

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function failed(error: unknown): number {
  const said = new Output(process.stderr);
  for (const text of coerceError(error).message.split('\n')) said.line({ text, style: 'red' });
  if (error instanceof Failure && error.hint !== null) said.line(`(${error.hint})`);
  return error instanceof Failure ? error.exitCode : INTERNAL;
}
