import { coerceError } from '#shared/errors.ts';
import { serveTask } from '../task.ts';
import { type FillingOptions, fillSet } from './filling.ts';
import { NOTHING_KNOWN, type Report } from './report.ts';

/** How often the worker hears of progress. */
const REPORT_MS = 250;

/** A process of its own: what hangs on the codecs' volume must not hang the worker. */
await serveTask<FillingOptions, Report>(async (options, say) => {
  let last: Report = NOTHING_KNOWN;
  let saidAt = Number.NEGATIVE_INFINITY;
  try {
    await fillSet(options, (report) => {
      last = report;
      if (!report.finished && performance.now() - saidAt < REPORT_MS) return;
      saidAt = performance.now();
      say(report);
    });
  } catch (error) {
    say({ ...last, finished: true, problem: coerceError(error).message });
  }
});
