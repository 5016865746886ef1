import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Program } from '../program.ts';
import type { Reading } from './probe.ts';

/** Options of Node that put the probe into a program. */
export const PROBED = ['--import', fileURLToPath(new URL('./probe.ts', import.meta.url))];

/** What the probe in a server measured since it was asked last. */
export async function ask(server: Program): Promise<Reading> {
  server.process.send('read');
  const [reading] = (await once(server.process, 'message')) as [Reading];
  return reading;
}
