import { execFileSync, spawnSync } from 'node:child_process';

const ENGINES = ['docker', 'podman', 'buildah'];

/** The first that is there and answers: a client of Docker may have no daemon. */
export function engineHere(): string | null {
  return ENGINES.find((name) => spawnSync(name, ['info'], { stdio: 'ignore' }).status === 0) ?? null;
}

/** @throws with what the engine said, when it does not build */
export function buildWith(engine: string, file: string, context: string): void {
  execFileSync(engine, ['build', '-f', file, context], { stdio: ['ignore', 'pipe', 'pipe'] });
}
