import { html } from 'htm/preact';
import type { JobView } from '#shared/api/schemas.ts';
import { whatOf } from './format.ts';
import { jobLink, workerLink } from './router.ts';
import { type Column, NOTHING } from './table.ts';
import { words } from './words.ts';

/** What each table of jobs tells of one. */
export const TITLE: Column<JobView> = {
  title: 'Title',
  kind: 'name',
  cell: ({ jobId, title, session, class: jobClass }) => html`<a href=${jobLink(jobId)}>${words(title)}</a>
    <small class="cut">${jobClass}${session && html` · <span title=${`PMS’s session ${session}`}>${session}</span>`}</small>`,
};

export const WORKER: Column<JobView> = {
  title: 'Worker',
  cell: ({ worker, attempt }) =>
    worker
      ? html`<a href=${workerLink(worker)}>${words(worker)}</a>${attempt > 1 && html`<small>attempt ${attempt}</small>`}`
      : NOTHING,
};

export const BY: Column<JobView> = {
  title: 'By',
  cell: ({ worker, hardware: use }) => {
    if (worker === null) return NOTHING;
    return use ? html`${use.api}<small>${whatOf(use)}</small>` : 'software';
  },
};
