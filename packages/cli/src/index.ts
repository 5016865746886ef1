/** The command line. `runCli` is the whole of it; the rest is what the demo draws with. */
export type { Programs } from './commands/programs.ts';
export type { Io, Output } from './io.ts';
export { paint } from './output/paint.ts';
export { Screen } from './output/screen.ts';
export { renderTable } from './output/table.ts';
export { runCli } from './run.ts';
