import { defineConfig } from 'vitest/config';
import SkippedReporter from '../scripts/skipped.ts';

export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ['**/*.test.ts'],
    reporters: ['default', new SkippedReporter()],
    globalSetup: 'harness/globals.ts',
    // Ten Collectors on two cores are enough: one file at a time, and time to be slow in.
    fileParallelism: false,
    maxConcurrency: 10,
    pool: 'forks',
    testTimeout: 150_000,
    hookTimeout: 90_000,
  },
});
