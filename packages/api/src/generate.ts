/** Writes `openapi.json` from the contract, into the directory that is given. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApi } from './openapi.ts';

const directory = process.argv[2] ?? join(import.meta.dirname, '..');
mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, 'openapi.json'), `${JSON.stringify(openApi(), null, 2)}\n`);
