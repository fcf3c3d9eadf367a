/**
 * How many streams in real time one worker on this machine holds, and what follows from that for more of them. Each runs the
 * stand-in transcoder with a genuine command of PMS on a film of this size.
 */
import { join } from 'node:path';
import { makeSample } from '../test/support/sample.ts';
import { StreamStage } from '../test/support/streamStage.ts';
import { summarise } from './percentiles.ts';
import { play } from './play.ts';
import type { Result } from './result.ts';
import { measure } from './stage.ts';

const SECONDS = 12;
const SIZE = { width: 1_280, height: 720 };
const MOST = 64;
/** A stream that is just in time stops whenever anything disturbs it. */
const MARGIN = 1.25;
/** A viewer starts or seeks about so often. */
const STARTS_PER_HOUR = 12;
const FLEETS = [10, 50, 200, 1_000];

/** Milliseconds of dispatch: good, acceptable; beyond that the orchestrator needs more. */
const GRADES = { p50: [50, 200], p95: [200, 1_000], p99: [500, 2_000] } as const;

export async function capacity({ jobs }: { readonly jobs: number }): Promise<Result> {
  const stage = await StreamStage.start({
    seconds: SECONDS,
    workers: ['w1'],
    slots: MOST,
  });
  const speeds: [number, number][] = [];
  let streams = 0;
  try {
    await makeSample(join(stage.media, 'film.mkv'), { seconds: SECONDS, ...SIZE });
    for (let atOnce = 1; atOnce <= MOST; atOnce += 1) {
      const slowest = Math.min(...(await Promise.all(Array.from({ length: atOnce }, () => speed(stage)))));
      speeds.push([atOnce, slowest]);
      if (slowest < MARGIN) break;
      streams = atOnce;
    }
  } finally {
    await stage.stop();
  }
  const arrivals = { kind: 'closed', inFlight: 1, jobs: jobs * 5 } as const;
  const most = (await measure({ bare: false, relays: 100, workers: 100, arrivals })).jobsPerSecond;
  const perSecond = (viewers: number): number => (viewers * STARTS_PER_HOUR) / 3_600;
  const { started } = await measure({
    ...{ bare: false, relays: 10, workers: 100, warmUp: 20 },
    arrivals: { kind: 'open', perSecond: 20, seconds: 5 },
  });
  const dispatch = summarise(started);
  const grade = (which: keyof typeof GRADES): string => {
    const [good, acceptable] = GRADES[which];
    const value = dispatch[which];
    const word = value <= good ? 'good' : value <= acceptable ? 'acceptable' : 'needs scaling';
    return `${which} ${value.toFixed(1)} ms: ${word}`;
  };
  return {
    ...{
      name: 'capacity',
      unit: 'ms of dispatch at 20 jobs/s',
      rows: [{ name: 'dispatch', summary: dispatch }],
    },
    ratios: [{ name: `streams in real time (× ${MARGIN}) on one worker here`, value: streams, target: null }],
    notes: [
      `each encodes ${SIZE.width} × ${SIZE.height} with libx264, as PMS asks for it`,
      ...FLEETS.map((viewers) => {
        const share = (perSecond(viewers) / most) * 100;
        const workers =
          streams === 0 ? 'more than this machine' : `${Math.ceil(viewers / streams)} workers like this`;
        return `${viewers} streams: ${workers}, ${share.toFixed(3)} % of what one orchestrator can place`;
      }),
      `the orchestrator saturates at ${most.toFixed(0)} jobs/s: ${Math.floor(most / perSecond(1))} streams`,
      ...(['p50', 'p95', 'p99'] as const).map(grade),
    ],
    plots: [
      {
        ...{ title: 'Speed of the slowest stream', x: 'streams at once', y: '× real time' },
        series: [{ name: 'this machine', points: speeds }],
      },
    ],
  };
}

/** Multiple of real time of one film through the cluster. */
async function speed(stage: StreamStage): Promise<number> {
  return SECONDS / ((await play(stage)).wall / 1_000);
}
