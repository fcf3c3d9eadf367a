import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { Clean } from 'typebox/value';
import { Check } from '#shared/protocol/check.ts';
import { LOOPBACK } from '#shared/settings/common.ts';
import { type Finding, failed, ok, skipped } from './finding.ts';
import type { Host } from './host.ts';
import { answerOf } from './reach.ts';
import type { Settings } from './settings.ts';
import { checkFindings } from './workers.ts';

const Ready = Type.Object({ ready: Type.Boolean(), checks: Type.Array(Check) });
const CHECK = 'this worker';

/** The worker on this host, by what it says itself: that needs no token. */
export async function workerFindings({ worker }: Settings, host: Host): Promise<Finding[]> {
  if (host.worker === null)
    return [skipped(CHECK, 'this is no worker’s host, as far as one can see (--worker says it is)')];
  if (worker === null) return [skipped(CHECK, 'the settings are wrong')];
  const { LISTENING_PORT: port, LISTENING_HOST: given } = worker;
  if (port === 0) return [skipped(CHECK, 'LISTENING_PORT is 0: only the worker knows its port')];
  const address = given === null || given === '::' || given === '0.0.0.0' ? LOOPBACK : given;
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}/ready`;
  const answer = await answerOf(url);
  const said: unknown =
    typeof answer === 'string' ? null : Clean(Ready, await answer.json().catch(() => null));
  if (!Compile(Ready).Check(said)) {
    const why = typeof answer === 'string' ? answer : 'that is no worker';
    return [
      failed(
        CHECK,
        `does not answer at ${url} (${why})`,
        'start it (clusterplex worker), or set LISTENING_PORT to its port',
      ),
    ];
  }
  const findings = checkFindings(CHECK, said.checks, Date.now());
  return [
    said.ready ? ok(CHECK, 'is ready') : failed(CHECK, 'is not ready: as follows', 'see its log'),
    ...findings,
  ];
}
