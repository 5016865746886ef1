/** The command line: `runCli` is the whole of it. */
export type { Programs } from './commands/programs.ts';
export { runCli } from './run.ts';
