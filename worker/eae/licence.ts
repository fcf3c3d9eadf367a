/** The first word of a licence says when it ends: as a Unix time, or with `lifetime` never. */
export interface Licence {
  readonly text: string;
  /** In milliseconds of the epoch; null when it never ends, or says it in a way that is not known. */
  readonly endsAt: number | null;
}

export function readLicence(text: string): Licence | null {
  const [first = ''] = text.trim().split(/\s/);
  if (first === '') return null;
  return { text: text.trim(), endsAt: /^\d{9,11}$/.test(first) ? Number(first) * 1_000 : null };
}

/** Whether one licence ends later than another. */
export function lastsLonger(licence: Licence, than: Licence): boolean {
  return (licence.endsAt ?? Number.POSITIVE_INFINITY) > (than.endsAt ?? Number.POSITIVE_INFINITY);
}
