import type { Command } from '../command.ts';

interface Word {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly string[];
}

const SHELLS: Readonly<Record<string, (words: readonly Word[]) => string>> = { bash, zsh, fish };

/** @param words everything that `clusterplex` may be followed by */
export function completionOf(words: () => readonly Word[]): Command {
  return {
    name: 'completion',
    takes: Object.keys(SHELLS).join(' | '),
    summary: 'what makes a shell complete all this',
    examples: [
      'eval "$(clusterplex completion bash)"',
      'clusterplex completion zsh > ~/.zsh/completions/_clusterplex',
      'clusterplex completion fish > ~/.config/fish/completions/clusterplex.fish',
    ],
    async run(call) {
      const shell = call.word('the shell');
      const script = SHELLS[shell];
      if (!script) throw call.wrong(`${JSON.stringify(shell)} is none of ${Object.keys(SHELLS).join(', ')}`);
      for (const line of script(words()).split('\n')) call.out.line(line);
    },
  };
}

function bash(words: readonly Word[]): string {
  return [
    '_clusterplex() {',
    `  local words='${words.map(({ name }) => name).join(' ')}'`,
    `  if [ "$COMP_CWORD" -gt 1 ]; then case "\${COMP_WORDS[1]}" in`,
    ...words.map(({ name, options }) => `    ${name}) words='${options.join(' ')}' ;;`),
    "    *) words='' ;;",
    '  esac; fi',
    `  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))`,
    '}',
    'complete -F _clusterplex clusterplex',
  ].join('\n');
}

function zsh(words: readonly Word[]): string {
  return [
    '#compdef clusterplex',
    '_clusterplex() {',
    '  if (( CURRENT == 2 )); then',
    `    local -a words=(${words.map(({ name, summary }) => quoted(`${name}:${summary}`)).join(' ')})`,
    "    _describe 'command' words",
    '  else case "$words[2]" in',
    ...words.map(({ name, options }) => `    ${name}) compadd -- ${options.join(' ')} ;;`),
    '  esac; fi',
    '}',
    'compdef _clusterplex clusterplex',
  ].join('\n');
}

function fish(words: readonly Word[]): string {
  return [
    'complete -c clusterplex -f',
    ...words.flatMap(({ name, summary, options }) => [
      `complete -c clusterplex -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
      ...options.map(
        (option) =>
          `complete -c clusterplex -n '__fish_seen_subcommand_from ${name}' ${option.startsWith('--') ? `-l ${option.slice(2)}` : `-a ${option}`}`,
      ),
    ]),
  ].join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
