// `npm run generate` writes the generated files anew; with `--check` it does so on a copy and says what differs.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const BIN = join(root, 'node_modules/.bin');

interface Generator {
  readonly package: string;
  /** Without it there is nothing to generate from yet. */
  readonly needs: string;
  readonly command: readonly [string, ...string[]];
}

const GENERATORS: readonly Generator[] = [
  { package: 'opamp', needs: 'buf.gen.yaml', command: [join(BIN, 'buf'), 'generate'] },
  { package: 'api', needs: 'src/generate.ts', command: [process.execPath, 'src/generate.ts'] },
];

function generate({ command: [program, ...args] }: Generator, directory: string): void {
  // buf finds protoc-gen-es, and that finds node, on the PATH.
  const PATH = [BIN, dirname(process.execPath), process.env['PATH']].join(delimiter);
  const windows = process.platform === 'win32';
  const ended = spawnSync(windows ? `"${program}"` : program, args, {
    cwd: directory,
    env: { ...process.env, PATH },
    shell: windows,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (ended.status !== 0)
    throw new Error(`${basename(program)} failed in packages/${basename(directory)}`, { cause: ended.error });
}

/** The files that generating would change. The copy is inside the clone, so that imports resolve. */
function outdated(generator: Generator): string[] {
  const original = join(root, 'packages', generator.package);
  const scratch = join(root, '.cache', `generate-${process.pid}`);
  const copy = join(scratch, generator.package);
  try {
    cpSync(original, copy, { recursive: true, filter: (file) => basename(file) !== 'node_modules' });
    generate(generator, copy);
    const names = new Set([...filesIn(original), ...filesIn(copy)]);
    return [...names]
      .filter((name) => textOf(join(original, name)) !== textOf(join(copy, name)))
      .map((name) => `packages/${generator.package}/${name}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules', directory.length))
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

const generators = GENERATORS.filter((one) => existsSync(join(root, 'packages', one.package, one.needs)));
if (process.argv.includes('--check')) {
  const files = generators.flatMap(outdated);
  for (const file of files) console.error(`${file} is not what \`npm run generate\` writes`);
  process.exitCode = files.length > 0 ? 1 : 0;
} else {
  for (const one of generators) generate(one, join(root, 'packages', one.package));
}
