import { statfs } from 'node:fs/promises';
import { systemClock } from '#shared/clock.ts';
import type { DeclaredMount } from '#shared/storage/mounts.ts';
import { mountedAt, mountTable } from '#shared/storage/mountTable.ts';
import { MountProbe } from '#shared/storage/probe.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';
import { nfsRemarks } from './nfs.ts';
import type { Settings } from './settings.ts';

const GIB = 1024 ** 3;
/** A film in 4K, transcoded ahead, takes some gigabytes. */
const SPARSE_BYTES = 4 * GIB;
const FULL_BYTES = GIB / 4;

/** The directories of MOUNTS on this host, as this user. */
export async function mountFindings({ relay, worker }: Settings): Promise<Finding[]> {
  const mounts = (relay ?? worker)?.MOUNTS;
  if (!mounts) return [skipped('mounts', 'neither PMS nor a worker is here')];
  return (await Promise.all(mounts.map(findingsOf))).flat();
}

async function findingsOf(mount: DeclaredMount): Promise<Finding[]> {
  const { path, mode } = mount;
  const check = `mount ${path}`;
  const { problem, absent, place } = await new MountProbe(mount, systemClock).run();
  if (absent) return [];
  const user = process.getuid ? `uid ${process.getuid()}` : 'this user';
  if (problem !== null) {
    const remedy = `mount it, or correct MOUNTS; what is rw must be writable for the user of PMS or worker (doctor ran as ${user})`;
    return [failed(check, problem, remedy)];
  }
  const mounted = place === null ? null : mountedAt(await mountTable(), place);
  const remarks = mounted === null ? [] : nfsRemarks(mounted, mode);
  return [
    ok(
      check,
      `${mode === 'rw' ? 'can be read and written' : 'can be read'} as ${user}${mounted ? `; ${mounted.type} ${mounted.source}` : ''}`,
    ),
    ...remarks.map(({ says, remedy }) => warning(`${check}: NFS`, says, remedy)),
    // A probe has just shown that it answers.
    ...(mode === 'rw' ? [await spaceOf(path)] : []),
  ];
}

async function spaceOf(path: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(path);
  return spaceFinding(path, bavail * bsize);
}

export function spaceFinding(path: string, bytes: number): Finding {
  const check = `space in ${path}`;
  const says = `${(bytes / GIB).toFixed(1)} GiB are free`;
  if (bytes >= SPARSE_BYTES) return ok(check, says);
  const remedy = 'make room; remove what ended sessions have left in Transcode/Sessions while nobody watches';
  return (bytes < FULL_BYTES ? failed : warning)(check, says, remedy);
}
