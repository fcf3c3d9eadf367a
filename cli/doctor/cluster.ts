import { Type } from 'typebox';
import { PeersView } from '#shared/api/peers.ts';
import { StorageView, WorkerView } from '#shared/api/schemas.ts';
import { VERSION } from '#shared/version.ts';
import { adminToken } from '../config.ts';
import { BAD_SETTINGS, Failure } from '../failure.ts';
import { Orchestrator } from '../orchestrator.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';
import type { Host } from './host.ts';
import { refusalOf } from './reach.ts';
import type { Settings } from './settings.ts';
import { sharedFindings, workerFindings } from './workers.ts';

const MAX_SKEW_MS = 5_000;

/** Whatever the orchestrator knows. */
export async function clusterFindings(settings: Settings, host: Host): Promise<Finding[]> {
  const { commandLine } = settings;
  if (commandLine === null) return [skipped('orchestrator', 'the settings are wrong')];
  const orchestrator = new Orchestrator(commandLine.ORCHESTRATOR_URL, adminToken(commandLine));
  let date: string | null;
  try {
    const health = await orchestrator.request('/health', { signal: AbortSignal.timeout(5_000) });
    date = health.headers.get('date');
    await health.body?.cancel();
  } catch (error) {
    const { message, hint } = error instanceof Failure ? error : { message: String(error), hint: null };
    return [
      failed('orchestrator', message, hint ?? 'see its log'),
      skipped('tokens, versions, clock, workers, shared directories', 'the orchestrator can’t be asked'),
    ];
  }
  return [
    ok('orchestrator', `answers at ${orchestrator.url}`),
    clockFinding(date, Date.now()),
    ...(await roleFindings(settings, host, orchestrator.url)),
    ...(await toldFindings(orchestrator, mayDoWithout(settings, host))),
  ];
}

export function clockFinding(date: string | null, now: number): Finding {
  const skew = now - Date.parse(date ?? '');
  if (Number.isNaN(skew)) return skipped('clock', 'the orchestrator does not say what time it is');
  const says = `${Math.round(Math.abs(skew) / 1000)} s ${skew < 0 ? 'behind' : 'ahead of'} the orchestrator’s`;
  if (Math.abs(skew) <= MAX_SKEW_MS) return ok('clock', 'agrees with the orchestrator’s');
  return warning(
    'clock',
    says,
    'let NTP set the clocks of both: times in logs and caches of NFS rely on them',
  );
}

async function roleFindings(settings: Settings, host: Host, url: string): Promise<Finding[]> {
  const roles = [
    ['relay', host.pms, settings.relay, settings.relay?.CLUSTERPLEX_RELAY_TOKEN, 'CLUSTERPLEX_RELAY_TOKEN'],
    [
      'worker',
      host.worker,
      settings.worker,
      settings.worker?.CLUSTERPLEX_WORKER_TOKEN,
      'CLUSTERPLEX_WORKER_TOKEN',
    ],
  ] as const;
  return Promise.all(
    roles.map(async ([role, isHere, own, ownToken, name]): Promise<Finding> => {
      const check = `token of the ${role}`;
      if (isHere === null) return skipped(check, `this is no ${role}’s host`);
      if (own === null) return skipped(check, 'the settings are wrong');
      const token = ownToken ?? own.CLUSTERPLEX_TOKEN;
      const refusal = await refusalOf(role, url, token);
      if (refusal === null) return ok(check, 'is accepted');
      const says = `the orchestrator refuses a ${role}: ${refusal}`;
      if (refusal !== 401)
        return failed(check, says, 'use the same version for all parts; look at what is in between');
      const given = token === null ? 'no token is set here' : 'the token is another one';
      return failed(
        check,
        `${says}, ${given}`,
        `set ${name}, or CLUSTERPLEX_TOKEN, to what the orchestrator has`,
      );
    }),
  );
}

/** Hosts of parts have the tokens of those, and none of the API. */
function mayDoWithout({ commandLine }: Settings, host: Host): boolean {
  return commandLine !== null && adminToken(commandLine) === null && (host.pms ?? host.worker) !== null;
}

async function toldFindings(orchestrator: Orchestrator, optional: boolean): Promise<Finding[]> {
  try {
    const [version, workers, storage, peers] = await Promise.all([
      orchestrator.version(),
      orchestrator.ask(Type.Array(WorkerView), '/api/v1/workers'),
      orchestrator.ask(StorageView, '/api/v1/storage'),
      orchestrator.ask(PeersView, '/api/v1/peers'),
    ]);
    return [
      ok('token of the API', 'is accepted'),
      versionFinding(version, workers, peers.relays),
      ...refusedFindings(peers),
      ...sharedFindings(storage),
      ...workerFindings(workers, storage),
    ];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (optional && error.exitCode === BAD_SETTINGS) {
      const why = `${error.message}; with CLUSTERPLEX_ADMIN_TOKEN doctor sees the whole system`;
      return [skipped('versions, workers, shared directories', why)];
    }
    return [
      failed('token of the API', error.message, error.hint ?? 'see the orchestrator’s log'),
      skipped('versions, workers, shared directories', 'the orchestrator does not tell'),
    ];
  }
}

function refusedFindings({ refused }: PeersView): Finding[] {
  return refused.map(({ role, address, message, hint }) => {
    return failed(`${role} at ${address}`, `the orchestrator refuses ${message}`, hint);
  });
}

export function versionFinding(
  orchestrator: string,
  workers: readonly Pick<WorkerView, 'name' | 'version'>[],
  relays: PeersView['relays'],
): Finding {
  const all = [
    ['this', VERSION],
    ...relays.map(({ name, version }) => [`relay ${name}`, version]),
    ...workers.map(({ name, version }) => [`worker ${name}`, version]),
  ];
  const others = all.filter(([, version]) => version !== orchestrator);
  if (others.length === 0) return ok('versions', `all ${orchestrator}`);
  return warning(
    'versions',
    `the orchestrator is ${orchestrator}; ${others.map(([who, version]) => `${who} is ${version}`).join(', ')}`,
    'bring all parts to one version, the orchestrator first',
  );
}
