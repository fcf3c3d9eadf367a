import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { openPage, startBrowser } from './browser.ts';
import { DASHBOARD_TOKEN, DashboardStage } from './dashboardStage.ts';

/** Writes the pictures of docs/dashboard.md: `node test/support/screenshots.ts`. */
const directory = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));

const WIDE = { width: 1280, height: 800 };
const FILMS = [
  'Sintel (2010) - 2160p.mkv',
  'Big Buck Bunny (2008) - 1080p.mkv',
  'Tears of Steel (2012) - 2160p HDR.mkv',
  'Elephants Dream (2006) - 1080p.mkv',
];

async function signIn(page: Page, address: string, path: string): Promise<void> {
  await page.goto(`${address}/${path}`);
  await page.getByLabel('Admin token').fill(DASHBOARD_TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('live', { exact: true }).waitFor();
}

async function shoot(page: Page, name: string, wait: string, fullPage = true): Promise<void> {
  await page.bringToFront();
  await page.mouse.move(0, 400);
  await page.getByText(wait).first().waitFor();
  // What has come but is not drawn yet: a drawing takes 100 ms and a frame.
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${directory}${name}.png`, fullPage });
}

mkdirSync(directory, { recursive: true });
const stage = await DashboardStage.start();
const browser = await startBrowser();
try {
  const { address } = stage.cluster;
  const { page } = await openPage(browser, { viewport: WIDE, colorScheme: 'light' });
  await signIn(page, address, '');
  await shoot(page, 'empty', 'No worker is connected');

  const worker = (name: string) =>
    stage.cluster.startWorker(name, { NODE_NAME: name.replace('worker', 'node') });
  const stopped = await worker('worker-1');
  const [first = '', ...others] = FILMS;
  const moved = stage.play(first, { block: true });
  await stage.started(moved);
  await stage.progress(first, 4.2, 2.8);
  await worker('worker-2');
  await stopped.stop();
  await stage.started(moved, 2);
  await worker('worker-1');
  const jobs = others.map((title) => stage.play(title, { block: true }));
  await Promise.all(jobs.map((job) => stage.started(job)));
  for (const [index, title] of FILMS.entries()) await stage.progress(title, 11.5 + 23 * index, 2.4 + index);
  stage.optimise('Cosmos Laundromat (2015) - 2160p.mkv', { block: true });
  stage.play('Spring (2019) - 2160p.mkv', { block: true });
  await shoot(page, 'busy', '81 %');
  await page.getByRole('button', { name: /colours/ }).click();
  await shoot(page, 'dark', 'Spring');
  await page.getByRole('button', { name: /colours/ }).click();
  await page.goto(`${address}/#/jobs/${moved.jobId}`);
  await shoot(page, 'job', 'PMS asked for it');

  const { page: phone } = await openPage(browser, {
    viewport: { width: 390, height: 844 },
    colorScheme: 'light',
  });
  await signIn(phone, address, '');
  await shoot(phone, 'mobile', 'Spring', false);

  await stage.cluster.startWorker('worker-3', { MOUNTS: '/mnt/transcode:rw' });
  await stage.cluster.api('/api/v1/workers/worker-2/drain', { method: 'POST' });
  await stage.cluster.workers.get('worker-1')?.stop('SIGKILL');
  await page.goto(`${address}/#/workers`);
  await shoot(page, 'degraded', 'disconnected');
} finally {
  await browser.close();
  await stage.stop();
}
