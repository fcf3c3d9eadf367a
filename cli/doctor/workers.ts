import type { StorageView, WorkerView } from '#shared/api/schemas.ts';
import type { Check } from '#shared/protocol/check.ts';
import { remedyFor } from '#shared/remedies.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import { nfsRemarks } from './nfs.ts';

const DAY_MS = 86_400_000;
/** A licence is renewed a week before its end: one that ends sooner is not. */
const LICENCE_DAYS = 3;

/** What PMS shares, as its relays told. */
export function sharedFindings({ contracts }: StorageView): Finding[] {
  const mounts = contracts.flatMap((contract) => contract.mounts);
  if (contracts.length === 0) {
    return [
      warning(
        'shared by PMS',
        'no relay has said what PMS shares',
        'start the relay on the PMS host, and look at its log',
      ),
    ];
  }
  const paths = mounts.map(({ path, mode }) => `${path}:${mode}`).join(', ');
  if (mounts.some(({ purpose }) => purpose === 'transcode')) return [ok('shared by PMS', paths)];
  return [
    failed(
      'shared by PMS',
      `no directory for transcodes, only: ${paths || 'nothing'}`,
      'name it in MOUNTS of the relay as path:rw, see that it exists there, and set it in PMS: Settings ▸ Transcoder ▸ ' +
        'temporary directory',
    ),
  ];
}

export function workerFindings(workers: readonly WorkerView[], { contracts }: StorageView): Finding[] {
  if (workers.length === 0) {
    const remedy = 'start one with ORCHESTRATOR_URL and a token, and look at its log';
    return [failed('workers', 'none is connected', remedy)];
  }
  const isWritten = contracts.some(({ mounts }) => mounts.some(({ mode }) => mode === 'rw'));
  return workers.flatMap((worker) => {
    const check = `worker ${worker.name}`;
    return [
      standing(check, worker),
      ...checkFindings(check, worker.checks, Date.now()),
      ...worker.storage.flatMap((mount) => {
        const { path, mode, type, options } = mount;
        if (type === undefined || options === undefined) return [];
        return nfsRemarks({ type, options }, mode).map(({ says, remedy }) => {
          return warning(`${check}: NFS`, `${path}: ${says}`, remedy);
        });
      }),
      ...sightFindings(check, worker, isWritten),
    ];
  });
}

function standing(check: string, { state, running, slots, capabilities, checks }: WorkerView): Finding {
  const fine = checks.filter((each) => each.ok).map(({ name }) => name);
  const gpus = [...new Set(capabilities.gpus.map(({ name, api }) => `${name} (${api})`))];
  const says = `${state}, ${running} of ${slots} slots, ${gpus.join(', ') || 'no GPU that passed its trial'}; ok: ${fine.join(', ') || '-'}`;
  switch (state) {
    case 'ready':
      return ok(check, says);
    case 'draining':
      return warning(
        check,
        says,
        `clusterplex undrain ${check.replace('worker ', '')}, when it is to take jobs again`,
      );
    case 'quarantined':
      return warning(check, says, 'its last jobs failed at once: see its log, and clusterplex jobs --all');
    case 'disconnected':
      return failed(check, says, 'see its log and the network; it is forgotten unless it comes back');
    case 'not-ready': {
      const isSaid = checks.some(({ ok: isOk, blocking }) => !isOk && blocking);
      const remedy = isSaid ? 'see its failed checks below' : 'see its log: it does not say why';
      return failed(check, says, remedy);
    }
  }
}

/** What a worker says of itself, by its checks. */
export function checkFindings(worker: string, checks: readonly Check[], now: number): Finding[] {
  return checks.flatMap(({ name, ok: isOk, message, blocking, until }) => {
    const check = `${worker}: ${name}`;
    const remedy = remedyFor(name);
    if (!isOk) return [(blocking ? failed : warning)(check, message ?? 'not ok', remedy)];
    if (until === undefined) return message === null ? [] : [ok(check, message)];
    const days = Math.floor((until - now) / DAY_MS);
    const says = `its licence lasts for ${days} days`;
    return [days < LICENCE_DAYS ? warning(check, says, remedy) : ok(check, says)];
  });
}

/** Whether PMS and the worker see what the other one writes. */
function sightFindings(check: string, { storage, state }: WorkerView, isWritten: boolean): Finding[] {
  const written = storage.filter(({ mode, problem }) => mode === 'rw' && problem === null);
  if (!isWritten || state !== 'ready') return [];
  return written.flatMap(({ path, latencyMs, latencyToPmsMs }) => {
    if (latencyMs === undefined) return [];
    const back = latencyToPmsMs === undefined ? '' : `, and PMS what it writes after ${latencyToPmsMs} ms`;
    return [
      ok(`${check}: shared directory`, `${path}: it sees what PMS writes after ${latencyMs} ms${back}`),
    ];
  });
}
