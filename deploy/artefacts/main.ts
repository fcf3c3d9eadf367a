// `npm run build`: writes the artefacts into build/, which the Dockerfiles and deploy/install.sh take them from.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildArtefacts } from './build.ts';

const OUT = fileURLToPath(new URL('../../build', import.meta.url));

// Node's remark about stripTypeScriptTypes, which makes the hook, says nothing to whoever builds.
process.removeAllListeners('warning');
const started = performance.now();
const { artefacts, runtimes, missing } = await buildArtefacts(OUT, ['amd64', 'arm64']);
for (const { name, parts } of artefacts) say(`${join('build', name).padEnd(20)} ${parts.join(', ')}`);
for (const { architecture, version, sha256 } of runtimes) {
  say(`${join('build/node', architecture).padEnd(20)} Node ${version}, sha256 ${sha256}`);
}
for (const what of missing) say(`MISSING              ${what}`);
say(`in ${((performance.now() - started) / 1_000).toFixed(1)} s`);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
