import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { JobStoryView } from '#shared/api/schemas.ts';
import { problemOf, request } from './api.ts';
import { AttemptChooser, attemptOf, type Choice } from './attempt.ts';

const AGAIN_MS = 2000;
/** So near to its end somebody reads on. */
const NEAR_PX = 40;

/** The end of what an attempt said on stderr, and while it runs what it says. */
export function OutputOf({ job, choice }: { job: JobStoryView; choice: Choice }): VNode {
  const text = useSignal<string | null>(null);
  const problem = useSignal<string | null>(null);
  const box = useRef<HTMLPreElement>(null);
  const follows = useRef(true);
  const attempt = attemptOf(job, choice);
  const number = attempt?.attempt;
  const runs = attempt !== null && attempt.endedAt === null;
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async (): Promise<void> => {
      try {
        const query = number === undefined ? '' : `?attempt=${number}`;
        const path = `api/v1/jobs/${encodeURIComponent(job.jobId)}/stderr${query}`;
        // What has ended is read once, whether or not anybody looks at it now.
        if (!runs || !document.hidden)
          text.value = await (await request(path, { signal: abort.signal })).text();
        problem.value = null;
      } catch (error) {
        if (!abort.signal.aborted) problem.value = problemOf(error);
      }
      if (runs && !abort.signal.aborted) timer = setTimeout(() => void read(), AGAIN_MS);
    };
    void read();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [job.jobId, number, runs]);
  const shown = text.value;
  useLayoutEffect(() => {
    if (follows.current) box.current?.scrollTo(0, box.current.scrollHeight);
  }, [shown]);
  const onScroll = ({ currentTarget: at }: { currentTarget: HTMLElement }): void => {
    follows.current = at.scrollHeight - at.scrollTop - at.clientHeight < NEAR_PX;
  };
  return html`
    <div class="bar-of-tools">
      <h2>Output</h2>
      <${AttemptChooser} job=${job} choice=${choice} />
    </div>
    ${
      shown
        ? html`<pre class="code" ref=${box} role="region" aria-label="Output" tabindex="0" onScroll=${onScroll}>${shown}</pre>`
        : html`<p class="quiet empty">${problem.value ?? (shown === null ? 'reading …' : whyNothing(runs, attempt))}</p>`
    }`;
}

function whyNothing(runs: boolean, attempt: JobStoryView['attempts'][number] | null): string {
  if (!attempt) return 'It has not been started.';
  if (!runs) return 'It said nothing on stderr.';
  return attempt.changes.some(({ name }) => name === 'loglevel')
    ? 'PMS wants nothing of its stderr: the worker sends it when the attempt ends.'
    : 'It has said nothing on stderr yet.';
}
