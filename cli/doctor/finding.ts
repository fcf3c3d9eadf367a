export type Result = 'ok' | 'warning' | 'failed' | 'skipped';

/** What one check found. */
export interface Finding {
  readonly check: string;
  readonly result: Result;
  /** What is; of one that was skipped, why. */
  readonly says: string;
  readonly remedy: string | null;
}

export function ok(check: string, says: string): Finding {
  return { check, result: 'ok', says, remedy: null };
}

export function skipped(check: string, why: string): Finding {
  return { check, result: 'skipped', says: why, remedy: null };
}

export function warning(check: string, says: string, remedy: string): Finding {
  return { check, result: 'warning', says, remedy };
}

export function failed(check: string, says: string, remedy: string): Finding {
  return { check, result: 'failed', says, remedy };
}
