import type { NvidiaCard } from './nvidiaSmi.ts';

/** NVIDIA's cards for consumers, and the smallest ones for professionals: their driver counts encoder sessions. */
const RESTRICTED = /GeForce|Titan|Quadro [KMPT]?(?:\d{3}|1000|1200)\b|\bT(?:400|500|550|600|1000|1200)\b/i;

/** From this major version of the driver on; NVIDIA raised it in March 2023 and January 2024. */
const LIMITS = [
  { driver: 550, sessions: 8 },
  { driver: 530, sessions: 5 },
  { driver: 0, sessions: 3 },
] as const;

/** How many encoder sessions the driver gives to everybody on the card together; null: as many as there is room for. */
export function nvencSessionLimit({
  name,
  brand,
  driver,
}: Pick<NvidiaCard, 'name' | 'brand' | 'driver'>): number | null {
  if (!RESTRICTED.test(`${brand ?? ''} ${name}`)) return null;
  const major = Number.parseInt(driver ?? '0', 10) || 0;
  return LIMITS.find((limit) => major >= limit.driver)?.sessions ?? null;
}
