/**
 * A day of viewers with the real core and the real scale, in simulated time: what scaling saves, and what viewers wait for
 * it. Workers take a while to start, as pods do; replicas are lowered as the orchestrator would lower them.
 */
import { type GroupSpec, UNSPECIFIED } from '../orchestrator/core/scaleSpec.ts';
import { Random } from '../test/simulation/random.ts';
import { summarise } from './percentiles.ts';
import type { Result } from './result.ts';
import { DAY_MS, type Film, HOUR_MS, type ScaledDay, SLOTS, START_MS, scaledDay } from './scaledDay.ts';

const MAXIMUM = 8;
const VIEWERS = 200;
const FILM_MS = 45 * 60_000;
/** The same day in every run. */
const SEED = 11;

const FIXED: GroupSpec = {
  ...UNSPECIFIED,
  scalable: 'local',
  minimum: MAXIMUM,
  maximum: MAXIMUM,
  desired: MAXIMUM,
};
const SPECS: Readonly<Record<string, GroupSpec>> = {
  'always the maximum': FIXED,
  'at least one': { ...FIXED, minimum: 1, desired: 1 },
  'to zero, one warm for two hours': { ...FIXED, minimum: 0, desired: 0, warm: 1, idleMs: 2 * HOUR_MS },
  'to zero': { ...FIXED, minimum: 0, desired: 0 },
};

export async function scaling(): Promise<Result> {
  const films = filmsOfADay();
  const days = Object.entries(SPECS).map(([name, spec]) => ({ name, day: scaledDay(spec, films) }));
  const [fixed] = days;
  if (!fixed) throw new Error('nothing to compare with');
  const clairvoyant = clairvoyantHours(films);
  const scaled = days.slice(1);
  return {
    ...{ name: 'scaling', unit: 's that a viewer waited for a worker' },
    rows: days.map(({ name, day }) => ({ name, summary: summarise(day.waited) })),
    ratios: [
      ...scaled.map(({ name, day }) => ({
        name: `${name}: worker-hours to always the maximum`,
        value: day.workerHours / fixed.day.workerHours,
        target: { atMost: 0.5 },
      })),
      ...scaled.map(({ name, day }) => ({
        name: `${name}: worker-hours to those of somebody who knows the future`,
        value: day.workerHours / clairvoyant,
        target: null,
      })),
      ...scaled.map(({ name, day }) => ({
        ...{
          name: `${name}: share of viewers that waited`,
          value: waitingShare(day),
          target: null,
        },
      })),
      {
        name: 'films cut off by scaling down',
        value: days.reduce((sum, { day }) => sum + day.killed, 0),
        target: { atMost: 0 },
      },
    ],
    notes: [
      `${VIEWERS} films of ${FILM_MS / 60_000} min on average, most of them in the evening; ${SLOTS} slots a worker, ${START_MS / 1_000} s until a new one takes jobs`,
      ...days.map(
        ({ name, day: { workerHours, changes, moved } }) =>
          `${name}: ${workerHours.toFixed(1)} worker-hours (at least ${clairvoyant.toFixed(1)}), ${changes} changes, ${moved} films moved at the drain limit`,
      ),
    ],
    plots: [
      {
        ...{ title: 'Workers over a day', x: 'hour', y: 'workers' },
        series: days.map(({ name, day }) => ({ name, points: day.replicas })),
      },
    ],
  };
}

function waitingShare({ waited }: ScaledDay): number {
  return waited.filter((seconds) => seconds > 0).length / waited.length;
}

/** By whoever moves every film to where it fits best, and starts workers before they are needed. */
function clairvoyantHours(films: readonly Film[]): number {
  const changes = films
    .flatMap(({ at, lastsMs }) => [
      { at, by: 1 },
      { at: at + lastsMs, by: -1 },
    ])
    .sort((one, other) => one.at - other.at);
  let [playing, before, workerMs] = [0, 0, 0];
  for (const { at, by } of changes) {
    workerMs +=
      Math.min(MAXIMUM, Math.ceil(playing / SLOTS)) * (Math.min(at, DAY_MS) - Math.min(before, DAY_MS));
    playing += by;
    before = at;
  }
  return workerMs / HOUR_MS;
}

function filmsOfADay(): readonly Film[] {
  const random = new Random(SEED).next;
  return Array.from({ length: VIEWERS }, () => {
    return { at: arrivalIn(random) * DAY_MS, lastsMs: -Math.log(1 - random()) * FILM_MS };
  }).sort((one, other) => one.at - other.at);
}

/** When in the day somebody begins to watch, 0 to 1: nearly everybody around nine in the evening, nobody at night. */
function arrivalIn(random: () => number): number {
  for (;;) {
    const at = random();
    const evening = ((1 + Math.cos((at - 21 / 24) * 2 * Math.PI)) / 2) ** 4;
    const isNight = at > 2 / 24 && at < 7 / 24;
    if (random() < (isNight ? 0.002 : 0.06 + 0.94 * evening)) return at;
  }
}
