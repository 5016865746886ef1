// `npm run generate` writes the generated files anew; with `--check` it writes them elsewhere and says what differs.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const BIN = join(root, 'node_modules/.bin');

/** `command` takes the directory under which it writes, in place of the package's. */
const GENERATORS = [
  { package: 'packages/opamp', writes: 'src/generated', command: ['buf', 'generate', '--output'] },
  { package: 'packages/api', writes: 'openapi.json', command: ['node', 'src/generate.ts'] },
];

function run(directory: string, [program = '', ...args]: readonly string[]): number | null {
  // buf finds protoc-gen-es, and that finds node, on the PATH.
  const PATH = [BIN, dirname(process.execPath), process.env['PATH']].join(delimiter);
  const settings = { cwd: join(root, directory), env: { ...process.env, PATH }, shell: process.platform === 'win32' };
  return spawnSync(program, args, { ...settings, stdio: ['ignore', 'inherit', 'inherit'] }).status;
}

const check = process.argv.includes('--check');
const scratch = mkdtempSync(join(tmpdir(), 'flaghoist-generate-'));
for (const { package: directory, writes, command } of GENERATORS) {
  const target = check ? join(scratch, directory) : join(root, directory);
  const failed = run(directory, [...command, target]) !== 0;
  const differs = check && run('.', ['git', 'diff', '--no-index', join(directory, writes), join(target, writes)]) !== 0;
  if (differs) console.error(`${directory}/${writes} is not what \`npm run generate\` writes`);
  if (failed || differs) process.exitCode = 1;
}
rmSync(scratch, { recursive: true });
