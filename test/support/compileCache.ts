import { fileURLToPath } from 'node:url';

/** For the environment of a process: the tests start hundreds, and each would strip the same types again. */
export const compileCache = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/node', import.meta.url)),
};
