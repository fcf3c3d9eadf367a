import type { JobView } from '#shared/api/schemas.ts';
import type { HardwareRequirement } from '#shared/requirements.ts';

export function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : `${Math.round(value)} %`;
}

export function speed(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(1)}×`;
}

export function seconds(ms: number): string {
  return ms < 10_000 ? `${(Math.max(ms, 0) / 1000).toFixed(1)} s` : duration(ms);
}

export function duration(ms: number): string {
  const all = Math.max(0, Math.round(ms / 1000));
  const [days, hours, minutes] = [
    Math.floor(all / 86_400),
    Math.floor(all / 3600) % 24,
    Math.floor(all / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${all % 60} s`;
  return `${all} s`;
}

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const DAY = { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' } as const;
const DATE = new Intl.DateTimeFormat(undefined, DAY);
const WITH_YEAR = new Intl.DateTimeFormat(undefined, { ...DAY, year: 'numeric' });

/** Without the day while it is today, and without the year while it is this one. */
export function time(iso: string, now: number): string {
  const [moment, today] = [new Date(iso), new Date(now)];
  if (moment.toDateString() === today.toDateString()) return TIME.format(moment);
  return (moment.getFullYear() === today.getFullYear() ? DATE : WITH_YEAR).format(moment);
}

export function hardware(use: HardwareRequirement | null): string {
  if (!use) return 'software';
  return `${use.api}: ${whatOf(use)}`;
}

export function whatOf({ decoder, encoder }: HardwareRequirement): string {
  return (
    [decoder && `decodes ${decoder}`, encoder && `encodes ${encoder}`].filter(Boolean).join(', ') || 'filters'
  );
}

export function bytes(value: number): string {
  return `${(value / 2 ** 30).toFixed(1)} GiB`;
}

export type Tone = 'good' | 'bad' | 'warn' | 'quiet' | 'live';

export interface Verdict {
  readonly label: string;
  readonly tone: Tone;
}

/** How a job stands, in a word. */
export function verdict({
  state,
  outcome,
  ranOnPms,
}: Pick<JobView, 'state' | 'outcome' | 'ranOnPms'>): Verdict {
  if (state === 'running') return { label: 'running', tone: 'live' };
  if (state === 'queued') return { label: 'waiting', tone: 'warn' };
  // It was played all the same, and nobody was asked how that ended.
  return ranOnPms ? { label: 'ran on PMS', tone: 'warn' } : outcomeVerdict(outcome);
}

export function outcomeVerdict(outcome: JobView['outcome']): Verdict {
  if (!outcome) return { label: 'ended', tone: 'quiet' };
  const { reason, exitCode, signal } = outcome;
  if (reason === 'cancelled') return { label: 'cancelled', tone: 'quiet' };
  if (reason !== 'exited') return { label: reason.replace('-', ' '), tone: 'bad' };
  if (exitCode === 0) return { label: 'finished', tone: 'good' };
  return { label: signal ? `died of ${signal}` : `exit code ${exitCode}`, tone: 'bad' };
}
