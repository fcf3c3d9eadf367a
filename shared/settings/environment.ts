import type { Environment } from './read.ts';

/** The process's environment: the one place where it enters the program. */
export function environment(): Environment {
  // biome-ignore lint/style/noProcessEnv: this is the place.
  return process.env;
}
