/** What the virtual machine runs: the scenarios, one after the other. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Part } from '../support/part.ts';
import { fileNumbers } from './fileNumbers.ts';
import { film } from './film.ts';
import { GpuNode } from './gpuNode.ts';
import { inPrograms, Machine } from './machine.ts';
import { bundlesIn, FILM } from './programs.ts';
import { report } from './report.ts';
import { scenarios } from './scenarios.ts';
import { FILMS, StorageNode } from './storageNode.ts';

// That it strips types is said in each run.
process.removeAllListeners('warning');
Part.bundles = bundlesIn(inPrograms(''));
const films = '/srv/films';
mkdirSync(films, { recursive: true });
for (const film of FILMS) writeFileSync(`${films}/${film}.mkv`, film.repeat(100_000));
copyFileSync(inPrograms(FILM), join(films, FILM));

const since = performance.now();
Machine.lan();
const [w1, w2, w3] = await Promise.all([
  StorageNode.start('w1', '192.168.1.12'),
  StorageNode.start('w2', '192.168.1.22'),
  GpuNode.start('w3', '192.168.1.30'),
]);
report({
  scenario: 'set-up',
  what: 'three machines',
  ms: performance.now() - since,
  limitMs: 60_000,
  before: '6 s',
});
let failed = 0;
for (const [name, run] of Object.entries({ ...scenarios, ...film, ...fileNumbers })) {
  try {
    console.log(`== ${name}`);
    await run({ films, w1, w2, w3 });
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}:`, error);
    for (const { machine } of [w1, w2, w3]) console.log(diagnosis(machine));
    console.log(FILMS.map((film) => w3.reads(film)));
    console.log(
      w3.mount.log
        .slice(-12)
        .map((line) => JSON.stringify(line))
        .join('\n'),
    );
  }
}

function diagnosis(machine: Machine): string {
  const script = `
    exec 2>&1
    hostname
    grep clusterplex /proc/self/mountinfo
    timeout 5 ls -la /mnt/clusterplex/dfs
    cat /proc/fs/nfsd/exports
    cat /proc/net/rpc/nfsd.fh/content /proc/net/rpc/nfsd.export/content
  `;
  return machine.run(`(${script}) || true`);
}

console.log(failed === 0 ? 'ALL GOOD' : `${failed} FAILED`);
process.exit(failed === 0 ? 0 : 1);
