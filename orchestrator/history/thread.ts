import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { KeptRecord } from '#shared/api/records.ts';
import type { JobStoryView } from '#shared/api/schemas.ts';
import { assertNever, coerceError } from '#shared/errors.ts';
import type { Answer, Question, ThreadMessage, ThreadSettings } from './archive.ts';
import { HistoryFile } from './historyFile.ts';

const LOWEST_PRIORITY = 19;

const { path, days, megabytes }: ThreadSettings = workerData;
const file = new HistoryFile(path, { days, megabytes }, (aside, problem) => {
  say({ type: 'damaged', aside, problem });
});

const gathered: { jobs: JobStoryView[]; records: KeptRecord[] } = { jobs: [], records: [] };

// Of this thread only: dispatch and transcoders come first.
if (process.platform === 'linux') setPriority(LOWEST_PRIORITY);

parentPort?.on('message', ({ id, question }: { id: number; question: Question }) => {
  try {
    say({ type: 'answer', id, answer: answer(question) });
  } catch (error) {
    say({ type: 'problem', id, problem: coerceError(error).message });
  }
});

function answer(question: Question): Answer {
  switch (question.type) {
    case 'write':
      gathered.jobs.push(...question.jobs);
      gathered.records.push(...question.records);
      if (!question.more) {
        const [jobs, records] = [gathered.jobs.splice(0), gathered.records.splice(0)];
        file.use((store) => store.write(jobs, Date.now(), records));
      }
      return {};
    case 'search':
      return { page: file.use((store) => store.search(question.query)) };
    case 'story':
      return { story: file.use((store) => store.story(question.jobId)) };
    case 'record':
      return { record: file.use((store) => store.record(question.jobId)) };
    case 'close':
      file.close();
      return {};
    default:
      return assertNever(question);
  }
}

function say(message: ThreadMessage): void {
  parentPort?.postMessage(message);
}
