import type { Programs } from '@flaghoist/cli';
export const demo: Programs['demo'] = async () => 2;
