import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/bundles.ts'],
    setupFiles: ['test/setup/useBundles.ts'],
    testTimeout: 30_000,
    // Of tests that say they can: those that leave the work to a process of their own.
    maxConcurrency: 2,
    // Most files wait for processes of their own: with one more than there are cores, few are idle meanwhile. With two
    // more, limits that are real times are missed now and then.
    maxWorkers: availableParallelism() + 1,
    hookTimeout: 30_000,
    // To read all modules anew for each file takes longer than what most of them test.
    isolate: false,
  },
});
