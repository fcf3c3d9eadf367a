import type { SettingsTable } from './table.ts';

/** What `--help` prints. */
export function helpText(purpose: string, table: SettingsTable): string {
  const rows = Object.entries(table).map(([name, { form, default: value, doc }]) => {
    const standard = value === null ? 'no default' : `default ${value}`;
    return `  ${name}  (${form}; ${standard})\n      ${doc}`;
  });
  return [
    purpose,
    '',
    'Settings are environment variables; NAME_FILE reads the value of NAME from a file.',
    '',
    ...rows,
    '',
  ].join('\n');
}
