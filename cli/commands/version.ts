import { SUBPROTOCOL } from '#shared/protocol/messages.ts';
import { VERSION } from '#shared/version.ts';
import type { Command } from '../command.ts';
import { Failure } from '../failure.ts';
import type { Orchestrator } from '../orchestrator.ts';

export const OWN_VERSION = `clusterplex ${VERSION}, protocol ${SUBPROTOCOL}`;

export const version: Command = {
  name: 'version',
  summary: 'the version of this and, where it can be reached, of the orchestrator',
  examples: ['clusterplex version', 'clusterplex --version'],
  async run(call) {
    call.words(0);
    const { orchestrator, out, json } = call;
    const there = await versionOf(orchestrator);
    if (json) {
      const told = { url: orchestrator.url, ...there };
      return out.json({ version: VERSION, protocol: SUBPROTOCOL, orchestrator: told });
    }
    out.line(OWN_VERSION);
    out.line(
      there.version === null ? there.problem : `orchestrator ${there.version}, at ${orchestrator.url}`,
    );
  },
};

type There = { readonly version: string } | { readonly version: null; readonly problem: string };

async function versionOf(orchestrator: Orchestrator): Promise<There> {
  try {
    return { version: await orchestrator.version() };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { version: null, problem: error.message };
  }
}
