import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { serialize } from 'node:v8';
import type { Plugin } from 'esbuild';
import { assemble } from '../../orchestrator/dashboard/assemble.ts';
import { hookText } from '../../pms/install/hookText.ts';

/** What lies beside a bundle: programs still to be bundled (name → source), and files as they are. */
export interface Beside {
  readonly programs: Map<string, string>;
  readonly files: Map<string, Uint8Array>;
}

/** Modules that work on sources, which artefacts do not have: they say what they said when the artefact was built. */
const SAID: Readonly<Record<string, () => string>> = {
  'pms/install/hookText.ts': () => `export const hookText = () => ${JSON.stringify(hookText())};`,
  'orchestrator/dashboard/assemble.ts': () =>
    `import { parentPort } from 'node:worker_threads';
     import { deserialize } from 'node:v8';
     parentPort.postMessage(deserialize(Buffer.from('${serialize(assemble()).toString('base64')}', 'base64')));`,
};

const TEXT = /readFileSync\(new URL\('([^']+)', import\.meta\.url\), 'utf8'\)/g;
const FOLDER = /new URL\('([^']+)\/', import\.meta\.url\)/g;
const PROGRAM = /new URL\('([^']+)\.ts', import\.meta\.url\)/g;

/** Brings what our modules name by a URL relative to themselves into, or beside, the one file that they become. */
export function besidePlugin(root: string, beside: Beside): Plugin {
  return {
    name: 'beside',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const name = relative(root, path);
        if (name.includes('node_modules')) return null;
        const said = SAID[name];
        if (said) return { contents: said(), loader: 'js', resolveDir: dirname(path) };
        const nameBeside = (file: string): string => relative(root, resolve(dirname(path), file));
        const contents = readFileSync(path, 'utf8')
          .replace(TEXT, (_, file) => JSON.stringify(readFileSync(join(root, nameBeside(file)), 'utf8')))
          .replace(FOLDER, (_, folder) => {
            const output = flat(nameBeside(folder));
            for (const each of readdirSync(join(root, nameBeside(folder)))) {
              beside.files.set(`${output}/${each}`, readFileSync(join(root, nameBeside(folder), each)));
            }
            return urlOf(`${output}/`);
          })
          .replace(PROGRAM, (_, program) => {
            const output = `${flat(nameBeside(program))}.js`;
            beside.programs.set(output, `${nameBeside(program)}.ts`);
            return urlOf(output);
          });
        if (contents.replaceAll(URL_BESIDE, '').includes('import.meta')) {
          throw new Error(
            `${name} uses import.meta in a way that the build does not know (deploy/artefacts/beside.ts)`,
          );
        }
        return { contents, loader: 'ts' };
      });
    },
  };
}

const URL_BESIDE = /new URL\('\.\/[^']+', import\.meta\.url\)/g;

function urlOf(output: string): string {
  return `new URL('./${output}', import.meta.url)`;
}

function flat(name: string): string {
  return name.replaceAll('/', '-');
}
