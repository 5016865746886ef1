// `npm run package` builds what is published of packages/opamp into dist/opamp: JavaScript, declarations and a
// package.json of its own, because the sources have neither a build nor an oldest Node. `npm publish` goes from there.
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const source = join(root, 'packages/opamp');

/** The oldest Node that can `require` modules. */
const OLDEST_NODE = '>=20.19';

export function build(target: string): void {
  rmSync(target, { recursive: true, force: true });
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const project = join(source, 'tsconfig.build.json');
  execFileSync(process.execPath, [tsc, '--project', project, '--outDir', target], { stdio: 'inherit' });
  cpSync(join(source, 'src/generated'), join(target, 'generated'), { recursive: true });
  for (const file of [join(source, 'README.md'), join(root, 'LICENSE')]) cpSync(file, join(target, basename(file)));
  const { scripts: _, exports, ...manifest } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  const built = Object.entries<string>(exports).map(([entry, path]) => {
    const file = path.replace('./src/', './').replace(/\.ts$/, '');
    return [entry, { types: `${file}.d.ts`, default: `${file}.js` }];
  });
  const files = ['**/*.js', '**/*.d.ts'];
  const published = { ...manifest, engines: { node: OLDEST_NODE }, exports: Object.fromEntries(built), files };
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(published, undefined, 2)}\n`);
}

// Not `import.meta.main`: run.mjs imports this into its own process.
if (process.argv[1] === import.meta.filename) build(join(root, 'dist/opamp'));
