import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runIn } from './image.ts';

const SCRIPT = fileURLToPath(new URL('units.sh', import.meta.url));
const WANTS = 'etc/systemd/system/multi-user.target.wants';
const SERVICE = '[Service]\nExecStart=/units.sh\nStandardError=journal\n';
const BOOT_MS = 180_000;

/** Boots a root with systemd in it, where install.sh and the units show what they do; says a line for each check. */
export function checkUnits(root: string, artefact: string): string[] {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  const packages = 'systemd systemd-sysv procps dbus';
  runIn(root, ['sh', '-ec', `apt-get update && apt-get install -y --no-install-recommends ${packages}`], env);
  runIn(root, ['useradd', '--system', 'plex'], env);
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost\n');
  cpSync(artefact, join(root, 'artefact'), { recursive: true });
  cpSync(SCRIPT, join(root, 'units.sh'));
  writeFileSync(join(root, 'etc/systemd/system/check.service'), SERVICE);
  mkdirSync(join(root, WANTS), { recursive: true });
  symlinkSync('../check.service', join(root, WANTS, 'check.service'));
  const words = ['-q', '-D', root, '--boot', '--private-network', '--register=no', '--keep-unit'];
  execFileSync('systemd-nspawn', words, { stdio: ['ignore', 'pipe', 'pipe'], timeout: BOOT_MS });
  const said = readFileSync(join(root, 'said'), 'utf8').trim().split('\n');
  return said.at(-1) === 'that is all'
    ? said.slice(0, -1)
    : [...said, 'FAILED  units: it did not come to its end'];
}
