import { hostname } from 'node:os';
import type { Clock } from '#shared/clock.ts';
import type { Logger } from '#shared/logger.ts';
import { Link } from '#shared/protocol/link.ts';
import { listeningHost } from '#shared/settings/common.ts';
import { pmsOrigin, type RelaySettings, relayToken } from '../config.ts';
import { Presence } from './announced/presence.ts';
import { callbackAddress } from './callbackAddress.ts';
import { fence } from './fence.ts';
import { HookServer } from './hookServer.ts';
import { Jobs } from './jobs.ts';
import { LocalRelay } from './localRelay.ts';
import { PlexPass } from './plexPass.ts';

export interface RelayOptions {
  readonly settings: RelaySettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** Puts the relay together and serves. */
export async function startRelay({ settings, clock, random, logger }: RelayOptions) {
  const token = relayToken(settings);
  const jobs = new Jobs({
    name: hostname(),
    clock,
    logger,
    openLink: (handlers) =>
      new Link({ role: 'relay', url: settings.ORCHESTRATOR_URL, token, clock, random, logger, handlers }),
    fence,
    waitMs: { local: settings.ORCHESTRATOR_WAIT_MS, remoteOnly: settings.QUEUE_TIMEOUT_MS },
  });
  const localRelay = new LocalRelay({
    pmsPort: settings.PMS_PORT,
    needsCredential: token !== null,
    clock,
    logger,
    presence: new Presence(clock, settings.SEGMENT_WAIT_MS),
    held: () => jobs.held,
    accepted: (job) => jobs.accepted(job),
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
      throughLocalRelay: settings.LOCAL_RELAY_ENABLED,
      token,
      hasPlexPass: (pmsToken) => plexPass.isActive(pmsToken),
    },
    clock,
    logger,
  );
  await hooks.listen(settings.RELAY_SOCKET);
  jobs.start();
  logger.info({ callbacks, socket: settings.RELAY_SOCKET }, 'workers call PMS at this address');
  if (token === null)
    logger.warn('no token is set: the Local Relay serves this machine only, unless told otherwise');

  return {
    listening: `${address === null ? '' : `${address.origin} `}socket ${settings.RELAY_SOCKET}`,
    async stop(): Promise<void> {
      // First of all, so that hooks that go now do not count as cancelled: the next relay gets them.
      jobs.stop();
      await hooks.close();
      if (address !== null) await localRelay.close();
    },
  };
}
