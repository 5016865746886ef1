import { once } from 'node:events';
import type { Program } from '../program.ts';
import type { Reading } from './probe.ts';

/** What the probe in a server measured since it was asked last. */
export async function ask(server: Program): Promise<Reading> {
  server.process.send('read');
  const [reading] = (await once(server.process, 'message')) as [Reading];
  return reading;
}
