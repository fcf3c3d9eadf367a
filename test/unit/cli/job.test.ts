import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { JobStoryView } from '#shared/api/schemas.ts';
import { outcomeWithoutProcess } from '#shared/job.ts';
import { requirementsOf } from '#shared/requirements.ts';
import { tellStory } from '../../../cli/commands/job.ts';
import { Output } from '../../../cli/output.ts';
import { story } from '../orchestrator/history/stories.ts';

function told(job: JobStoryView): string {
  const stream = new PassThrough({ encoding: 'utf8' });
  tellStory(new Output(stream), job);
  return String(stream.read());
}

test('a job tells where it ran and why, on what, how fast, what was changed, and why it was tried again', () => {
  const at = (ms: number): string => new Date(Date.UTC(2026, 0) + ms).toISOString();
  const hardware = { api: 'cuda', decoder: 'hevc', encoder: 'h264_nvenc' } as const;
  const attempt = { assignedAt: at(0), startedAt: at(100), endedAt: null, changes: [], hardware: null };
  const entry = { attempt: 1, worker: 'w1', message: null };
  const text = told(
    story('a', 0, {
      ...{ state: 'running', outcome: null, endedAt: null, worker: 'w2', attempt: 2, hardware },
      ...{ progress: 41.6, speed: 2.25, announced: 12, firstSegmentMs: 800, session: 'session' },
      ...{ reason: 'w1 went away', changes: ['callback-address', 'hardware-adapted'] },
      requirements: { ...requirementsOf([]), decoders: ['hevc'], eae: ['eac3_eae'] },
      attempts: [
        { ...attempt, attempt: 1, worker: 'w1', outcome: outcomeWithoutProcess('lost', 'w1 went away') },
        {
          ...{ ...attempt, attempt: 2, worker: 'w2', hardware, outcome: null },
          changes: [{ name: 'hardware-adapted', detail: 'from vaapi to cuda' }],
        },
      ],
      story: [
        { ...entry, at: at(0), event: 'submitted', attempt: 0, worker: null },
        { ...entry, at: at(1), event: 'placed', message: 'by LOAD_TASKS, of 2 workers with a free slot' },
        { ...entry, at: at(2_000), event: 'attempt-ended', message: 'w1 went away' },
      ],
    }),
  );
  for (const line of [
    /^Film a\nJOB +a\nstate +running\nagain because +w1 went away\n/,
    /\nworker +w2, cuda: decodes hevc, encodes h264_nvenc\n/,
    /\nprogress +42%\nspeed +2.3x\nfirst segment +after 0.8s\nsegments +12 that PMS has\nfor +\d+/,
    /\nneeds +decodes hevc; Dolby eac3_eae\n/,
    /\n1 +w1 +in software +\S+ +lost: w1 went away\n2 +w2 +cuda: \S+ hevc, \S+ h264_nvenc +\S+ +-\n/,
    /\ncallback-address +relay\nhardware-adapted +attempt 2 +from vaapi to cuda\n/,
    / 0\.001s +placed +1 +w1 +by LOAD_TASKS, .*\n\S+ +0\.800s +first segment .*\n\S+ +2\.000s +attempt-ended /,
  ])
    expect(text).toMatch(line);
});

test('of what is not known it says nothing', () => {
  const text = told(story('a', 0, { worker: null, reason: 'none came', ranOnPms: true }));
  expect(text).toMatch(/\nstate +ran on PMS\nbecause +none came\nclass +playback\ntook +0s\nneeds /);
  expect(text).not.toMatch(/ATTEMPT .*OUTCOME|CHANGE/);
});
