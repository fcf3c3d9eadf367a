import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { DebianProgram } from '../../deploy/check/debianProgram.ts';

const CHROMIUM = new DebianProgram('chromium', 'chromium');
const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

/** How long it may take to install a browser, in milliseconds. */
export const BROWSER_TIMEOUT_MS = 240_000;

/** Why no browser can be started here; null when one can. */
export const browserObstacle = CHROMIUM.obstacle;

export async function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: await CHROMIUM.path() });
}

/** A page with all that it complained of: it should be nothing. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    // Answers with a status of 400 and more, which pages show themselves.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text());
    }
  });
  return { page, complaints };
}

/** Words that go on in the next line without a hyphen, outside of commands and charts. */
export async function brokenWords(page: Page): Promise<string[]> {
  const found: unknown = await page.evaluate(BROKEN_WORDS);
  return Array.isArray(found) ? found.map(String) : [`it said ${JSON.stringify(found)}`];
}

const BROKEN_WORDS = `(() => {
  const found = [];
  const range = document.createRange();
  const topOf = (text, index) => {
    range.setStart(text, index);
    range.setEnd(text, index + 1);
    return range.getBoundingClientRect().top;
  };
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (text.parentElement.closest('.code, .unseen, figure, option')) continue;
    for (const { 0: word, index } of text.data.matchAll(/[\\p{L}\\p{N}]{2,}/gu)) {
      if (topOf(text, index + word.length - 1) > topOf(text, index) + 4) found.push(word + ' of ' + text.data);
    }
  }
  return found;
})()`;

/** What keeps people from using the page as it is now, by axe: WCAG 2.2 A and AA. */
export async function inaccessible(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const found: unknown = await page.evaluate(
    `axe.run(document, {runOnly: ${JSON.stringify(tags)}}).then(({violations}) =>
      violations.flatMap(({id, nodes}) => nodes.map(({html, failureSummary}) => id + ': ' + html + ' ' + failureSummary)))`,
  );
  return Array.isArray(found) ? found.map(String) : [`axe said ${JSON.stringify(found)}`];
}
