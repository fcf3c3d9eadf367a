import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { type Beside, besidePlugin } from './beside.ts';

/** The files of one part, flat in one directory, and the packages that are in them. */
export interface Bundle {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly packages: ReadonlySet<string>;
}

/** Packages in CommonJS take for granted what ES modules do not have. */
const COMMONJS = [
  "import { createRequire as createRequireOfBundle } from 'node:module';",
  'const require = createRequireOfBundle(import.meta.url);',
  'const __dirname = import.meta.dirname;',
  'const __filename = import.meta.filename;',
].join(' ');

/** Bundles an entry point as `NAME.js`, and beside it every program and file that it or its modules name by their URL. */
export async function bundle(root: string, name: string, source: string): Promise<Bundle> {
  const files = new Map<string, Uint8Array>();
  const packages = new Set<string>();
  const programs = new Map([[`${name}.js`, source]]);
  // It grows while it is gone through: programs start programs.
  for (const [output, entry] of programs) {
    const beside: Beside = { programs, files };
    const result = await build({
      absWorkingDir: root,
      entryPoints: [{ in: entry, out: basename(output, '.js') }],
      outdir: '/',
      write: false,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      // What is imported while it runs, where a setting asks for it, stays a file of its own.
      splitting: true,
      chunkNames: '[name]-[hash]',
      minifySyntax: true,
      legalComments: 'none',
      metafile: true,
      logLevel: 'silent',
      define: { 'process.env.FLUENTFFMPEG_COV': '""' },
      banner: { js: COMMONJS },
      plugins: [besidePlugin(root, beside)],
    });
    const [warning] = result.warnings;
    if (warning) throw new Error(`${warning.location?.file}: ${warning.text}`);
    for (const { path, contents } of result.outputFiles) files.set(basename(path), contents);
    for (const found of packagesIn(root, result.metafile)) packages.add(found);
  }
  return { files, packages };
}

export function writeBundle(folder: string, { files }: Pick<Bundle, 'files'>): void {
  for (const [name, contents] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), contents);
  }
}

/** Directories under node_modules of which something is really in the output. */
function packagesIn(root: string, metafile: Metafile): string[] {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
  return inputs.flatMap((input) => {
    const directory = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(relative(root, join(root, input)))?.[0];
    return directory === undefined ? [] : [directory];
  });
}
