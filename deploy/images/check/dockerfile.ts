/** One instruction of a Dockerfile; its words as they stand, continued lines joined. */
export interface Instruction {
  readonly name: string;
  readonly words: string;
}

/** As much of a Dockerfile as ours need: no heredocs, no parser directives. */
export function readDockerfile(text: string): Instruction[] {
  const joined = text.replace(/^#.*\n/gm, '').replace(/\\\n/g, ' ');
  return joined
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', words = ''] = /^(\S+)\s+(.*)$/.exec(line.trim()) ?? [];
      return { name: name.toUpperCase(), words };
    });
}

/** The stages, each from its FROM to the next; ARGs before the first are for all. */
export interface Stage {
  readonly base: string;
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

export function stagesOf(
  instructions: readonly Instruction[],
  given: Readonly<Record<string, string>>,
): Stage[] {
  const args: Record<string, string> = {};
  const stages: { base: string; name: string | null; instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    const { name, words } = instruction;
    const stage = stages.at(-1);
    if (name === 'FROM') {
      const [base = '', , as = null] = substituted(words, args).split(/\s+/);
      stages.push({ base, name: as, instructions: [] });
    } else if (stage) stage.instructions.push(instruction);
    else if (name === 'ARG') Object.assign(args, argument(words, given));
  }
  return stages;
}

/** `NAME=default` or `NAME`, unless it was given. */
export function argument(words: string, given: Readonly<Record<string, string>>): Record<string, string> {
  const [name = '', fallback = ''] = words.split('=');
  return { [name]: given[name] ?? fallback };
}

export function substituted(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+)\}/g, (_, name) => values[name] ?? '');
}
