import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  argument,
  type Instruction,
  readDockerfile,
  type Stage,
  stagesOf,
  substituted,
} from './dockerfile.ts';

/** A root that came of a Dockerfile's steps, and what a container engine would know of how to start it. */
export interface Image {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly health: string | null;
}

interface Surroundings {
  /** What COPY copies from. */
  readonly context: string;
  /** Where roots are made. */
  readonly work: string;
  readonly args: Readonly<Record<string, string>>;
  /** Makes the root of a base image in an empty directory. */
  base(name: string, root: string): void;
}

/** Runs the steps of a Dockerfile in roots of their own, as far as a chroot can. */
export function buildImage(file: string, name: string, surroundings: Surroundings): Image {
  const stages = stagesOf(readDockerfile(readFileSync(file, 'utf8')), surroundings.args);
  const built = new Map<string, Image>();
  let image: Image | null = null;
  for (const [index, stage] of stages.entries()) {
    image = buildStage(stage, join(surroundings.work, `${name}-${index}`), built, surroundings);
    if (stage.name !== null) built.set(stage.name, image);
  }
  if (!image) throw new Error(`${file} has no FROM`);
  return image;
}

function buildStage(
  stage: Stage,
  root: string,
  earlier: ReadonlyMap<string, Image>,
  { context, args, base }: Surroundings,
): Image {
  mkdirSync(root, { recursive: true });
  if (stage.base !== 'scratch') base(stage.base, root);
  const values: Record<string, string> = {};
  const env: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  };
  let [user, health] = ['0:0', null as string | null];
  let [entrypoint, command] = [[] as string[], [] as string[]];
  for (const { name, words } of stage.instructions) {
    switch (name) {
      case 'ARG':
        Object.assign(values, argument(words, args));
        break;
      case 'ENV':
        for (const pair of words.split(/\s+/)) Object.assign(env, argument(pair, {}));
        break;
      case 'RUN':
        runIn(root, ['/bin/sh', '-ec', words], env);
        break;
      case 'COPY':
        copy(substituted(words, values), root, (from) => (from === null ? context : earlier.get(from)?.root));
        break;
      case 'USER':
        user = words;
        break;
      case 'ENTRYPOINT':
        entrypoint = JSON.parse(words);
        break;
      case 'CMD':
        command = JSON.parse(words);
        break;
      case 'HEALTHCHECK':
        health = words.replace(/^.*?CMD /, '');
        break;
      case 'EXPOSE':
      case 'LABEL':
        break;
      default:
        throw new Error(`a step that this check does not know: ${name} ${words}`);
    }
  }
  return { root, env, user, entrypoint: [...entrypoint, ...command], health };
}

export function runIn(
  root: string,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): string {
  return execFileSync('chroot', [root, ...command], {
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

/** `[--from=STAGE] [--chmod=MODE] SOURCE TARGET`: a folder's content, or a file. */
function copy(
  words: Instruction['words'],
  root: string,
  sourceOf: (from: string | null) => string | undefined,
): void {
  const [, from = null, mode = null, source = '', target = ''] =
    /^(?:--from=(\S+)\s+)?(?:--chmod=(\S+)\s+)?(\S+)\s+(\S+)$/.exec(words) ?? [];
  const origin = sourceOf(from);
  if (origin === undefined) throw new Error(`COPY ${words}: there is no such stage`);
  const path = join(origin, source);
  if (!existsSync(path)) throw new Error(`COPY ${words}: there is no ${path}`);
  const isFolder = statSync(path).isDirectory();
  const to = !isFolder && target.endsWith('/') ? join(root, target, basename(source)) : join(root, target);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(path, to, { recursive: true, verbatimSymlinks: true });
  if (mode === null) return;
  for (const copied of isFolder ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : ['']) {
    chmodSync(join(to, copied), Number.parseInt(mode, 8));
  }
}
