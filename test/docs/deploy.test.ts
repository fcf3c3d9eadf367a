import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fileRules, rules } from '../../deploy/check/rules/index.ts';

const guide = readFileSync(new URL('../../deploy/README.md', import.meta.url), 'utf8');

it('the guide says why each rule is there', () => {
  for (const { name } of [...rules, ...fileRules]) expect(guide).toContain(`\`${name}\``);
});
