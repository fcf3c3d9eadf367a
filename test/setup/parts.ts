/** Those of which tests start many. */
export const PARTS = {
  orchestrator: 'orchestrator/main.ts',
  worker: 'worker/main.ts',
  relay: 'pms/relay.ts',
} as const;
