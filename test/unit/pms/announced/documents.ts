import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { type Excerpt, excerpt, readMpd } from '../../../support/plexTranscoder/mpd.ts';

/**
 * What ffmpeg 5.1 wrote for 40 s of a Matroska file with `-f dash -seg_duration 3 -window_size 0 -start_at_zero
 * -copyts -avoid_negative_ts disabled -force_key_frames expr:gte(t,n_forced*3)`, H.264 and AAC; once whole, and once
 * with `-ss 9`, which makes segments 4 to 14.
 */
const WHOLE = readMpd(readFileSync(new URL('ffmpeg/whole.mpd', import.meta.url), 'utf8'));
const SEEK = readMpd(readFileSync(new URL('ffmpeg/seek.mpd', import.meta.url), 'utf8'));

/** Segments `from` to `to` of a run that began with segment 1, as the stand-in would announce them. */
export function wholeRun(from: number, to: number, type: Excerpt['type'] = 'dynamic'): string {
  return excerpt(WHOLE, { firstNumber: 1, from: from - 1, to, type });
}

/** Segments `from` to `to` of a run that began with segment 4. */
export function runFrom4(from: number, to: number, type: Excerpt['type'] = 'dynamic'): string {
  return excerpt(SEEK, { firstNumber: 4, from: from - 4, to: to - 3, type });
}

export interface Run {
  readonly firstNumber: number;
  /** Of each segment: the picture's and the sound's, in ticks. */
  readonly durations: readonly (readonly [number, number])[];
}

/** At least two segments; lengths repeat, as they do with encoded video. */
export const aRun: fc.Arbitrary<Run> = fc.record({
  firstNumber: fc.integer({ min: 0, max: 99_990 }),
  durations: fc.array(
    fc.tuple(
      fc.oneof(fc.constant(36_864), fc.integer({ min: 6_000, max: 130_000 })),
      fc.oneof(fc.constant(144_384), fc.constant(143_360), fc.integer({ min: 24_000, max: 500_000 })),
    ),
    { minLength: 2, maxLength: 40 },
  ),
});

/** A manifest of segments [from, to) of the run, made from ffmpeg's by the stand-in. */
export function manifestOf(run: Run, from: number, to: number, type: Excerpt['type'] = 'dynamic'): string {
  const timelines = [0, 1].map((stream) => {
    let time = stream === 0 ? 258 : 0;
    return run.durations.map((durations) => {
      const duration = durations[stream] ?? 0;
      time += duration;
      return { time: time - duration, duration };
    });
  });
  return excerpt({ ...WHOLE, timelines }, { firstNumber: run.firstNumber, from, to, type });
}

/** Text with a few places cut out, doubled or overwritten. */
export function mutated(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const place = fc.record({ at: fc.nat(5_000), length: fc.nat(40), put: fc.string({ maxLength: 8 }) });
  return fc.tuple(text, fc.array(place, { maxLength: 4 })).map(([original, places]) =>
    places.reduce((changed, { at, length, put }) => {
      const from = changed.length === 0 ? 0 : at % changed.length;
      return changed.slice(0, from) + put + changed.slice(from + length);
    }, original),
  );
}
