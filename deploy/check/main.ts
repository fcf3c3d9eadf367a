import { fileURLToPath } from 'node:url';
import { checkDeploy } from './check.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { overlays, problems, unchecked } = await checkDeploy(root);
for (const line of [...problems, ...unchecked]) process.stderr.write(`${line}\n`);
const objects = overlays.reduce((count, overlay) => count + overlay.objects.length, 0);
process.stdout.write(`${overlays.length} overlays, ${objects} objects, ${problems.length} problems\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
