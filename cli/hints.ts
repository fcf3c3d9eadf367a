/** What the API says to its callers, in commands: whoever reads it here has called none. */
const COMMANDS: readonly (readonly [RegExp, string])[] = [
  [/^GET \/api\/v1\/(workers|jobs)$/, 'clusterplex $1 lists them'],
  [/^GET \/api\/v1\/jobs\/(\S+) lists them$/, 'clusterplex job $1 lists them'],
  [/^GET \/api\/v1\/jobs\/(\S+)$/, 'clusterplex job $1 tells its story'],
  [/^see \/api\/v1\/openapi\.json$/, 'see the --help of the command; clusterplex version compares versions'],
];

export function inCommands(hint: string | null): string | null {
  const [pattern, command] = COMMANDS.find(([each]) => hint !== null && each.test(hint)) ?? [];
  return hint !== null && pattern && command ? hint.replace(pattern, command) : hint;
}
