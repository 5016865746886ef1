/**
 * Writes `openapi.json` from the contract; with `--check` it only says (exit 1) whether the file is up to date.
 * Run as `node packages/api/src/generate.ts [--check]`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { openApi } from './openapi.ts';

const file = new URL('../openapi.json', import.meta.url);
const wanted = `${JSON.stringify(openApi(), null, 2)}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(file, wanted);
} else if (readFileSync(file, 'utf8') !== wanted) {
  process.stderr.write('packages/api/openapi.json is not up to date: run npm run generate\n');
  process.exitCode = 1;
}
