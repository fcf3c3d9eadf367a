import { PeersView } from '#shared/api/peers.ts';
import { type Clock, WallClock } from '#shared/clock.ts';
import { VERSION } from '#shared/version.ts';
import type { Cluster } from '../core/cluster.ts';
import type { Refusal, RefusalReason } from '../gateway/refusals.ts';
import type { App } from './app.ts';

const setToken = (role: string): string =>
  `set CLUSTERPLEX_TOKEN there, or CLUSTERPLEX_${role.toUpperCase()}_TOKEN, to what the orchestrator has`;

const WHY: Record<RefusalReason, (role: string) => { message: string; hint: string }> = {
  'no-token': (role) => ({
    message: `a ${role} without a token`,
    hint: setToken(role),
  }),
  'wrong-token': (role) => ({
    message: `a ${role} whose token is another one`,
    hint: setToken(role),
  }),
  'other-version': (role) => ({
    message: `a ${role} that speaks another protocol`,
    hint: `bring all parts to version ${VERSION}, the orchestrator first`,
  }),
};

/** Who is connected besides the workers, and who is not let in. */
export function addPeers(
  app: App,
  cluster: Cluster,
  refusals: { recent(): Refusal[] },
  clock: Pick<Clock, 'now'>,
): void {
  const wall = new WallClock(clock);
  app.get(
    '/api/v1/peers',
    {
      schema: {
        tags: ['workers'],
        summary: 'Connected relays, and who was not let in lately',
        response: { 200: PeersView },
      },
    },
    () => ({
      relays: cluster.relays.map(({ name, version }) => ({ name, version })),
      refused: refusals.recent().map(({ role, address, reason, times, at }) => {
        return { role, address, reason, ...WHY[reason](role), times, lastAt: wall.at(at).toISOString() };
      }),
    }),
  );
}
