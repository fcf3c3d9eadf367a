/** Whether this orchestrator leads: the only one that may decide anything, and the only one that is served through. */
export interface Leadership {
  /** Now; asked for anew before each decision leaves the process, since it may have stood still. */
  readonly leads: boolean;
  /** How often leadership had changed hands when this one took it: the fence. 0: there are no elections. */
  readonly term: number;
  /** Who leads, as far as is known here; null where there are no elections, or nobody does. */
  readonly holder: string | null;
  /** Why it could not take over; null when it could. */
  readonly problem: string | null;
}

/** The only orchestrator that there is. */
export const ALWAYS_LEADS: Leadership = { leads: true, term: 0, holder: null, problem: null };
