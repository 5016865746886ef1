/** The command line. `runCli` is the whole of it; the rest is what the demo draws with. */
export { ExitCode } from './exit-code.ts';
export type { Input, Io, Output } from './io.ts';
export { PLAIN, type Style, styleFor } from './output/style.ts';
export { type Cell, type Column, renderFacts, renderTable, type TableOptions } from './output/table.ts';
export type { DemoOptions, Programs, ServerOptions, SimulateOptions } from './programs.ts';
export { atRest, type FollowRollouts, followRollouts } from './progress/follow.ts';
export { LiveLines } from './progress/live.ts';
export {
  bar,
  type Canvas,
  type Progress,
  renderLine,
  renderOutcome,
  renderProgress,
} from './progress/view.ts';
export { type RunOptions, runCli } from './run.ts';
