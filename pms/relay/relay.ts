import { hostname } from 'node:os';
import { readable } from '#shared/bytes.ts';
import type { Clock } from '#shared/clock.ts';
import type { Logger } from '#shared/logger.ts';
import { Link } from '#shared/protocol/link.ts';
import type { SharedMount } from '#shared/protocol/storage.ts';
import { listeningHost } from '#shared/settings/common.ts';
import { startTracing } from '#shared/tracing/tracing.ts';
import { pmsOrigin, type RelaySettings, relayToken } from '../config.ts';
import { Presence } from './announced/presence.ts';
import { callbackAddress, localAddress } from './callbackAddress.ts';
import { fence } from './fence.ts';
import { HookServer } from './hookServer.ts';
import { Jobs } from './jobs.ts';
import { LocalRelay } from './localRelay.ts';
import { PlexPass } from './plexPass.ts';
import { Records } from './records.ts';
import { SharedStorage } from './sharedStorage.ts';
import { JobTraces } from './traces.ts';

/** Hooks look for a relay twice a second (pms/hook.ts). */
const HOOKS_RETURN_MS = 3_000;

export interface RelayOptions {
  readonly settings: RelaySettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** Puts the relay together and serves. */
export async function startRelay({ settings, clock, random, logger }: RelayOptions) {
  const token = relayToken(settings);
  const records = new Records(`${settings.RELAY_SOCKET}.jobs`, logger);
  const tracing = await startTracing({ settings, part: 'relay', clock, logger });
  const traces = tracing && new JobTraces(tracing);
  const storage = new SharedStorage({
    ...{ mounts: settings.MOUNTS, clock, logger },
    changed: (mounts) => tell(mounts),
  });
  let tell = (_mounts: SharedMount[]): void => undefined;
  const jobs = new Jobs({
    name: hostname(),
    clock,
    logger,
    openLink: (handlers) => {
      const link = new Link({
        ...{ role: 'relay' as const, url: settings.ORCHESTRATOR_URL, token, clock, random, logger },
        handlers: {
          ...handlers,
          message: (message) => {
            // Before the jobs, so that no worker is given one that has not compared.
            if (message.type === 'welcome' && storage.mounts !== null) tell(storage.mounts);
            if (message.type === 'status') traces?.answered(message.jobId);
            handlers.message(message);
          },
        },
      });
      tell = (mounts) => link.send({ type: 'storage', mounts });
      return link;
    },
    fence: (job, done) => fence(job, { clock, logger }, done),
    dropped: (job) => {
      records.remove(job.spec.jobId);
      traces?.dropped(job);
    },
    waitMs: {
      local: settings.ORCHESTRATOR_WAIT_MS,
      remoteOnly: settings.QUEUE_TIMEOUT_MS,
      running: settings.ORCHESTRATOR_AWAY_MS,
    },
  });
  const localRelay = new LocalRelay({
    pmsPort: settings.PMS_PORT,
    needsCredential: token !== null,
    clock,
    logger,
    presence: new Presence(clock, settings.SEGMENT_WAIT_MS),
    hooksReturnBy: records.isEmpty ? 0 : clock.now() + HOOKS_RETURN_MS,
    held: () => jobs.held,
    accepted: (job) => {
      jobs.accepted(job);
      traces?.accepted(job);
    },
    called: (job) => jobs.called(job),
    announced: ({ spec, record }) => {
      // PMS may have ended it meanwhile.
      if (record && jobs.holds(spec.jobId)) records.write(record);
    },
  });
  const host = listeningHost(settings.LISTENING_HOST, token !== null);
  const address = settings.LOCAL_RELAY_ENABLED
    ? await localRelay.listen(host, settings.LOCAL_RELAY_PORT)
    : null;
  const plexPass = new PlexPass(settings.PMS_PORT, clock, logger);
  const callbacks = callbackAddress(settings, address);
  const hooks = new HookServer(
    jobs,
    {
      pmsOrigin: pmsOrigin(settings),
      callbackAddress: callbacks,
      localAddress: address && localAddress(address),
      token,
      hasPlexPass: (pmsToken) => plexPass.isActive(pmsToken),
      taken: ({ cwd }) => storage.jobIn(readable(cwd)),
      ...(traces && { traced: (job, startedAt) => traces.taken(job, startedAt) }),
    },
    records,
    clock,
    logger,
  );
  await hooks.listen(settings.RELAY_SOCKET);
  storage.start();
  jobs.start();
  // No hook looks for a relay for longer.
  const sweep = clock.after(settings.RELAY_RECONNECT_MS, () => records.sweep((jobId) => jobs.holds(jobId)));
  logger.info({ callbacks, socket: settings.RELAY_SOCKET }, 'workers call PMS at this address');
  if (token === null)
    logger.warn('no token is set: the Local Relay serves this machine only, unless told otherwise');

  return {
    listening: `${address === null ? '' : `${address.origin} `}socket ${settings.RELAY_SOCKET}`,
    async stop(): Promise<void> {
      // First of all, so that hooks that go now do not count as cancelled: the next relay gets them.
      jobs.stop();
      storage.stop();
      await hooks.close();
      if (address !== null) await localRelay.close();
      sweep.cancel();
      await tracing?.stop();
    },
  };
}
