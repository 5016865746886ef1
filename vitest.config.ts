import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import SkippedReporter from './scripts/skipped.ts';

/** The settings of every run; one project per package, so that results name it and `--project opamp` selects it. */
export const settings = (tests: string, timeouts: { testTimeout: number; hookTimeout: number }) =>
  defineConfig({
    test: {
      ...timeouts,
      setupFiles: `${import.meta.dirname}/scripts/property-seed.ts`,
      reporters: ['default', new SkippedReporter()],
      projects: [...readdirSync(`${import.meta.dirname}/packages`).map((name) => `packages/${name}`), 'scripts'].map(
        (directory) => ({
          extends: true,
          test: { name: directory.replace('packages/', ''), include: [`${directory}/${tests}`] },
        }),
      ),
    },
  });

export default settings('**/!(*.full).test.ts', { testTimeout: 20_000, hookTimeout: 20_000 });
