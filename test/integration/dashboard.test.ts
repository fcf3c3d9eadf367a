import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  BROWSER_TIMEOUT_MS,
  browserObstacle,
  inaccessible,
  openPage,
  startBrowser,
} from '../support/browser.ts';
import { DASHBOARD_TOKEN, DashboardStage } from '../support/dashboardStage.ts';

if (browserObstacle !== null)
  process.stderr.write(`NOT TESTED, the dashboard in a browser: ${browserObstacle}\n`);
const inBrowser = test.runIf(browserObstacle === null);

let stage: DashboardStage;
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  if (browserObstacle !== null) return;
  [stage, browser] = await Promise.all([DashboardStage.start(), startBrowser()]);
  ({ page, complaints } = await openPage(browser, { viewport: { width: 1280, height: 800 } }));
  page.setDefaultTimeout(5_000);
}, BROWSER_TIMEOUT_MS);

afterAll(async () => {
  await browser?.close();
  await stage?.stop();
});

const shows = (text: string | RegExp) => page.getByText(text).first().waitFor();
const press = (name: string | RegExp) => page.getByRole('button', { name }).click();
const row = (text: string) => page.getByRole('row').filter({ hasText: text });
const trouble = (name: string) => page.getByRole('listitem').filter({ hasText: name });
const groundOf = (name: string) =>
  page.evaluate(`getComputedStyle([...document.querySelectorAll('main li')]
    .find(({ textContent }) => textContent.includes('${name}'))).backgroundColor`);
const visit = (name: string) => page.getByRole('link', { name, exact: true }).first().click();

inBrowser(
  'asks for the admin token, refuses another one, and keeps the right one for the tab only',
  async () => {
    await page.goto(stage.cluster.address);
    await page.getByLabel('Admin token').fill('wrong');
    await press('Sign in');
    const alert = await page.getByRole('alert').textContent();
    expect(alert).toMatch(/not the admin token.*CLUSTERPLEX_ADMIN_TOKEN.*CLUSTERPLEX_TOKEN/s);
    expect(alert).not.toMatch(/Bearer|Authorization/);
    expect((await page.getByRole('banner').boundingBox())?.height).toBeLessThan(60);
    expect(await inaccessible(page)).toEqual([]);
    await page.getByLabel('Admin token').fill(DASHBOARD_TOKEN);
    await page.keyboard.press('Enter');
    await shows('No worker is connected');
    await shows('Nothing waits.');
    expect(await inaccessible(page)).toEqual([]);
    await page.reload();
    await shows('No worker is connected');
  },
);

inBrowser(
  'a job: waits with its reason, runs with its progress, is cancelled once confirmed, is history',
  async () => {
    const job = stage.play('Sintel.mkv', { block: true });
    await row('Sintel.mkv')
      .getByText(/no worker/i)
      .waitFor();
    await stage.cluster.startWorker('w1');
    await stage.started(job);
    await stage.progress('Sintel.mkv', 42, 3.14);
    for (const text of ['42 %', '3.1×', 'w1', 'software', 'callback-address', 'playback', 'session-1']) {
      await row('Sintel.mkv').getByText(text).first().waitFor();
    }
    await shows('Every worker is ready.');
    expect(await inaccessible(page)).toEqual([]);

    await press('Cancel Sintel.mkv');
    expect(await inaccessible(page)).toEqual([]);
    await press('Back');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await row('42 %').waitFor();
    await press('Cancel Sintel.mkv');
    await press('Cancel the job');
    await shows('Nothing runs.');
    expect(await job.verdict).toMatch(/^exit /);

    await visit('History');
    await row('Sintel.mkv').getByText('cancelled').waitFor();
  },
);

inBrowser('history: outcome and reason, filtered and searched', async () => {
  const [failed, finished] = [
    stage.play('Broken.mkv', { exit: 3 }),
    stage.optimise('Whole.mkv', { exit: 0 }),
  ];
  await Promise.all([failed.verdict, finished.verdict]);
  const foreign = stage.foreign('Foreign.mkv');
  expect(await foreign.verdict).toBe('local');
  await row('Foreign.mkv').getByText('ran on PMS').waitFor();
  await row('Broken.mkv').getByText('exit code 3').waitFor();
  await row('Whole.mkv').getByText('finished').waitFor();
  expect(await inaccessible(page)).toEqual([]);
  await page.getByLabel('Outcome').selectOption('failed');
  await row('Whole.mkv').waitFor({ state: 'detached' });
  await row('Broken.mkv').waitFor();
  expect(await row('Foreign.mkv').count()).toBe(0);
  await page.getByLabel('Outcome').selectOption('ran on PMS');
  await row('Broken.mkv').waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Foreign.mkv' }).click();
  await shows(/It ran on PMS because:.*MOUNTS/);
  await shows('Given back to PMS');
  await shows('PMS’s own transcoder runs it');
  await page.goBack();
  await page.getByLabel('Class').selectOption('background');
  await row('Broken.mkv').waitFor({ state: 'detached' });
  await page.getByLabel('Class').selectOption('all');
  await page.getByLabel('Search jobs').fill('sintel');
  await row('Whole.mkv').waitFor({ state: 'detached' });
  await page.getByLabel('Search jobs').fill('nothing of this name');
  await shows('No job matches.');
});

inBrowser('a job’s page has its command before and after, and what it says', async () => {
  const job = stage.play('Talks.mkv', { log: 'first words' }, { block: true });
  await stage.started(job);
  await page.goto(`${stage.cluster.address}/#/jobs/${job.jobId}`);
  const [command, output] = ['Command', 'Output'].map((name) =>
    page.getByRole('region', { name, exact: true }),
  );
  await output?.getByText('first words').waitFor();
  const address = String.raw`http:\/\/127.0.0.1:\d+`;
  await command?.getByText(new RegExp(`−-progressurl ${address}/video/`)).waitFor();
  await command
    ?.getByText(new RegExp(String.raw`\+-progressurl ${address}/job/\[redacted\]/video/`))
    .waitFor();
  expect(await inaccessible(page)).toEqual([]);

  const silent = stage.silent('Silent.mkv', { log: 'last words' }, { block: true });
  await stage.started(silent);
  await page.goto(`${stage.cluster.address}/#/jobs/${silent.jobId}`);
  await shows('PMS wants nothing of its stderr');
  await command?.getByText('−-loglevel quiet').waitFor();
  await command?.getByText('+-loglevel error').waitFor();
  expect(await command?.getByText('tag5').count()).toBe(0);
  await page.getByRole('button', { name: '… 9 unchanged' }).focus();
  await page.keyboard.press('Enter');
  await command?.getByText(`-metadata 'tag5=it'\\''s 5'`).waitFor();
  const hide = (hidden: boolean) =>
    page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true })`);
  await press('Copy');
  await shows(/^Copied\.$|^This browser does not let pages copy\.$/);
  await press('Cancel Silent.mkv');
  await hide(true);
  await press('Cancel the job');
  await output?.getByText('last words').waitFor();
  await hide(false);
  expect(await inaccessible(page)).toEqual([]);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await inaccessible(page)).toEqual([]);
  await page.emulateMedia({ colorScheme: 'light' });
  await fetch(`${stage.cluster.address}/api/v1/jobs/${job.jobId}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${DASHBOARD_TOKEN}` },
  });
  await Promise.all([job.verdict, silent.verdict]);
});

inBrowser('a job’s page tells its story while it happens', async () => {
  const job = stage.play('Moved.mkv', { block: true });
  await stage.started(job);
  await page.goto(`${stage.cluster.address}/#/jobs/${job.jobId}`);
  await shows('Started on w1');
  await stage.progress('Moved.mkv', 10, 2);
  await shows('PMS has the first segment');
  await stage.cluster.startWorker('w2');
  await stage.cluster.workers.get('w1')?.stop();
  await shows('Started on w2');
  await shows('Attempt 1 ended on w1');
  await row('lost').getByText('the worker is stopping').waitFor();
  await shows('by the relay');
  const output = page.getByRole('heading', { name: 'Output' }).locator('..').getByLabel('Attempt');
  await output.selectOption('1 on w1');
  await shows('It said nothing on stderr.');
  expect(await inaccessible(page)).toEqual([]);
});

inBrowser('workers: drained, undrained, scaled, searched, and why one takes no jobs', async () => {
  await visit('Workers');
  await row('w2').getByText('Moved.mkv').waitFor();
  await press('Drain w2');
  await page.getByRole('dialog').getByRole('button', { name: 'Drain w2' }).click();
  await row('w2').getByText('draining').waitFor();
  await press('Undrain w2');
  await page.getByRole('dialog').getByRole('button', { name: 'Undrain w2' }).click();
  await row('w2').getByText('ready').waitFor();

  await shows(/1 worker, no scale is set|2 workers, no scale is set/);
  expect(await page.getByText(/wanted|too many|too few/).count()).toBe(0);
  await press('Scale …');
  await page.getByLabel('At least').fill('5');
  await page.getByLabel('At most').fill('3');
  await press('Set the scale');
  await shows('minimum 5 is more than maximum 3');
  expect(await inaccessible(page)).toEqual([]);
  await page.getByLabel('At most').fill('8');
  await page.getByLabel('Wanted').fill('6');
  await press('Set the scale');
  await shows('at least 5, at most 8');
  await shows('5 too few');
  expect(await stage.cluster.api('/api/v1/scale')).toMatchObject({ minimum: 5, maximum: 8, desired: 6 });

  await stage.cluster.startWorker('w3', { MOUNTS: '/nowhere/transcode:rw', WORKER_GROUP: 'gpu' });
  await row('w3')
    .getByText(/\/nowhere\/transcode/)
    .waitFor();
  await row('w3').getByText('not ready').waitFor();

  await shows('gpu:');
  await press('Scale …');
  await page.getByLabel('Group').selectOption('gpu');
  await page.getByLabel('Burst: workers').fill('2');
  await page.getByLabel('Burst: minutes').fill('5');
  expect(await inaccessible(page)).toEqual([]);
  await press('Set the scale');
  await shows('for a burst');
  expect(await stage.cluster.api('/api/v1/scale?group=gpu')).toMatchObject({
    ...{ desired: 2, deviation: -1, bursts: [{ group: 'gpu', workers: 2 }] },
    groups: [{ ready: 0, setBy: null }],
  });
  expect(await inaccessible(page)).toEqual([]);
  await page.getByLabel('Search workers').fill('nowhere');
  await row('w2').waitFor({ state: 'detached' });
  await visit('w3');
  await page.getByRole('table', { name: 'Mounts' }).getByText('/nowhere/transcode').first().waitFor();
  expect(await inaccessible(page)).toEqual([]);
  await visit('Now');
  await trouble('w3')
    .getByText(/nowhere/)
    .waitFor();
  // Slots of a worker that takes no jobs are none.
  await page.getByText(/^Slots in use1 of 2$/).waitFor();
  await stage.cluster.api('/api/v1/workers/w2/drain', { method: 'POST' });
  await trouble('w2').getByText('draining').waitFor();
  expect(await groundOf('w2')).not.toBe(await groundOf('w3'));
  expect(await inaccessible(page)).toEqual([]);
});

inBrowser('dark, by the keyboard, and on a phone nothing is wider than the screen', async () => {
  await page.getByRole('button', { name: 'Use the dark colours' }).focus();
  await page.keyboard.press('Enter');
  expect(await inaccessible(page)).toEqual([]);
  await page.setViewportSize({ width: 360, height: 740 });
  for (const name of ['Now', 'Workers', 'History', 'Timelines']) {
    await visit(name);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(await inaccessible(page)).toEqual([]);
  }
});

inBrowser('dims what it last heard when the orchestrator is gone, and goes on when it is back', async () => {
  const colour = () => page.evaluate('getComputedStyle(document.querySelector("h1")).color');
  const bright = await colour();
  await stage.cluster.orchestrator.stop();
  await shows(/^Not connected: .* What you see is what it said last, at \d/);
  expect(await colour()).not.toBe(bright);
  expect(await inaccessible(page)).toEqual([]);
  await stage.cluster.startOrchestrator();
  await page.getByText('live', { exact: true }).waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  expect(await colour()).toBe(bright);
  await visit('Workers');
  await page.getByRole('link', { name: 'w2' }).waitFor();
  // From before it started again.
  await page.route('**/api/v1/history*', (route) => route.abort(), { times: 1 });
  await visit('History');
  await press('Try again');
  await page.getByLabel('Search jobs').fill('broken');
  await row('Broken.mkv').getByText('exit code 3').waitFor();
});

inBrowser('notices when the orchestrator says nothing more, though nobody ended the connection', async () => {
  await page.clock.install();
  await page.reload();
  await page.getByText('live', { exact: true }).waitFor();
  await page.route('**/api/v1/events', (route) => route.abort());
  await page.clock.fastForward(41_000);
  await shows(/^Not connected: the orchestrator does not answer/);
  await page.unroute('**/api/v1/events');
  await page.getByText('live', { exact: true }).waitFor();
});

inBrowser('signs out; and no page complained of anything', async () => {
  await press('Sign out');
  await page.getByLabel('Admin token').waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  expect(await page.evaluate('sessionStorage.length')).toBe(0);
  expect(complaints).toEqual([]);
});
