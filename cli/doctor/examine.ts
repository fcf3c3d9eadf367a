import { clusterFindings } from './cluster.ts';
import type { Finding } from './finding.ts';
import { type Host, hostOf } from './host.ts';
import { mountFindings } from './mounts.ts';
import { pmsFindings } from './pms.ts';
import { settingsOf } from './settings.ts';
import { workerFindings } from './worker.ts';

/** All checks, in the order in which one would look. */
export async function examine(given: { readonly pms: boolean; readonly worker: boolean }): Promise<{
  readonly host: Host;
  readonly findings: readonly Finding[];
}> {
  const host = hostOf(given);
  const { settings, findings } = settingsOf(host);
  const parts = await Promise.all([
    clusterFindings(settings, host),
    pmsFindings(settings, host),
    workerFindings(settings, host),
    mountFindings(settings),
  ]);
  return { host, findings: [...findings, ...parts.flat()] };
}
