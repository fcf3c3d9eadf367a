import { fileURLToPath } from 'node:url';
import { checkDeploy, verdictOf } from './check.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const report = await checkDeploy(root);
for (const line of [...report.problems, ...report.unchecked]) process.stderr.write(`${line}\n`);
const { text, exitCode } = verdictOf(report);
process.stdout.write(`${text}\n`);
process.exitCode = exitCode;
