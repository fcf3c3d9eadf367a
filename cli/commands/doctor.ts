import type { Command } from '../command.ts';
import type { Finding, Result } from '../doctor/finding.ts';
import { FAILED } from '../failure.ts';
import type { Cell, Style } from '../output.ts';

const STYLES: Record<Result, Style> = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' };

export const doctor: Command = {
  name: 'doctor',
  summary: 'what is wrong, here and elsewhere, and what to do about it',
  options: {
    pms: { type: 'boolean', help: 'this is the PMS host, whatever it looks like' },
    worker: { type: 'boolean', help: 'this is a worker’s host' },
  },
  examples: ['clusterplex doctor', 'clusterplex doctor --pms', 'clusterplex doctor --json'],
  async run(call) {
    call.words(0);
    // Only this command needs the parts' settings, and what they need.
    const { examine } = await import('../doctor/examine.ts');
    const { host, findings } = await examine({ pms: call.has('pms'), worker: call.has('worker') });
    const isFailed = findings.some(({ result }) => result === 'failed');
    if (call.json) call.out.json({ host, findings });
    else {
      call.out.table(['CHECK', 'RESULT', 'WHAT IS, AND → WHAT TO DO'], findings.flatMap(rows));
      call.out.line();
      call.out.line(counted(findings));
    }
    return isFailed ? FAILED : 0;
  },
};

function rows({ check, result, says, remedy }: Finding): Cell[][] {
  const row = [check, { text: result, style: STYLES[result] }, says];
  return remedy === null ? [row] : [row, ['', '', `→ ${remedy}`]];
}

function counted(findings: readonly Finding[]): string {
  const many = (wanted: Result): number => findings.filter(({ result }) => result === wanted).length;
  return `${many('ok')} ok, ${many('warning')} warnings, ${many('failed')} failed, ${many('skipped')} skipped`;
}
