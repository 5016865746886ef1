import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ['**/*.test.ts'],
    globalSetup: 'harness/globals.ts',
    // Ten Collectors on two cores are enough: one file at a time, and time to be slow in.
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 150_000,
    hookTimeout: 90_000,
  },
});
