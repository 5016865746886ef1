import { settings } from './vitest.config.ts';

const HOUR = 3_600_000;

export default settings('**/*.full.test.ts', { testTimeout: HOUR, hookTimeout: 300_000 });
