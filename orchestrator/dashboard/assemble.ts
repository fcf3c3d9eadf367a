import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Asset, Assets } from './assets.ts';

/** What the page's modules import from packages, each as one file of its package. */
export const PACKAGES = [
  'preact',
  'preact/hooks',
  '@preact/signals',
  '@preact/signals-core',
  'htm',
  'htm/preact',
];
/** Only loaded where it is looked at. Node's conditions would find its CommonJS. */
export const UPLOT = 'uplot';
const UPLOT_FILE = 'uplot/dist/uPlot.esm.js';

const TYPES: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  ts: 'text/javascript; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

/** Type stripping leaves comments; browsers need none. */
const COMMENTS = /^\s*(?:\/\*\*?[^*]*(?:\*(?!\/)[^*]*)*\*\/|\/\/.*)\s*$/gm;
const SOURCE_MAP = /^\/\/# sourceMappingURL=.*$/gm;

export function assemble(): Assets {
  const files = new Map<string, Asset>();
  const add = (name: string, type: string, text: string): void => {
    const plain = Buffer.from(text);
    const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
    files.set(name, { type, etag, plain, br: brotliCompressSync(plain), gzip: gzipSync(plain) });
  };

  const imports: Record<string, string> = {};
  for (const name of [...PACKAGES, UPLOT]) {
    const file = `${name.replace('@', '').replaceAll('/', '-')}.js`;
    imports[name] = `./assets/${file}`;
    add(
      file,
      TYPES['js'] ?? '',
      readText(new URL(import.meta.resolve(name === UPLOT ? UPLOT_FILE : name))).replace(SOURCE_MAP, ''),
    );
  }
  add('uplot.css', TYPES['css'] ?? '', readText(new URL(import.meta.resolve('uplot/dist/uPlot.min.css'))));

  const page = new URL('page/', import.meta.url);
  const modules: string[] = [];
  for (const name of readdirSync(page)) {
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
    if (!type) continue;
    const text = readText(new URL(name, page));
    if (!name.endsWith('.ts')) add(name, type, text);
    else {
      add(name, type, stripTypeScriptTypes(text).replace(COMMENTS, ''));
      modules.push(`./assets/${name}`);
    }
  }

  const map = JSON.stringify({ imports });
  const preloads = [...modules, ...PACKAGES.map((name) => imports[name])]
    .map((href) => `<link rel="modulepreload" href="${href}">`)
    .join('\n');
  const html = readText(new URL('index.html', page))
    .replace('<!-- import map -->', `<script type="importmap">${map}</script>`)
    .replace('<!-- preloads -->', preloads);
  add('', 'text/html; charset=utf-8', html);
  return { files, policy: policyFor(map) };
}

/** Nothing but this server: the import map, which can't be a file of its own, is named by its hash. */
function policyFor(map: string): string {
  const hash = createHash('sha256').update(map).digest('base64');
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function readText(url: URL): string {
  return readFileSync(url, 'utf8');
}

parentPort?.postMessage(assemble());
