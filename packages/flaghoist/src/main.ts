/** The program: nothing but composition. Each command loads what it needs when it is called. */
import { runCli } from '@flaghoist/cli';
import { interruption } from './interruption.ts';

const { stdin, stdout, stderr, env } = process;
const io = { stdin, stdout, stderr, env, now: Date.now, interruption };
process.exitCode = await runCli(process.argv.slice(2), io, {
  server: async (...given) => (await import('./server-program.ts')).serve(...given),
  simulate: async (...given) => (await import('./simulate-program.ts')).simulate(...given),
  demo: async (...given) => (await import('./demo/demo.ts')).demo(...given),
});
