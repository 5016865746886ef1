import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'flaghoist-dependencies-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const packages = readdirSync(join(root, 'packages'));
cpSync(join(root, '.dependency-cruiser.mjs'), join(scratch, '.dependency-cruiser.mjs'));
mkdirSync(join(scratch, 'node_modules/@flaghoist'), { recursive: true });
for (const name of packages) {
  cpSync(join(root, 'packages', name, 'package.json'), join(scratch, 'packages', name, 'package.json'));
  symlinkSync(`../../packages/${name}`, join(scratch, 'node_modules/@flaghoist', name));
}

/** Which rules a tree of these files, laid over empty packages, breaks, and where. */
function broken(files: Record<string, string>): string[] {
  const tree: Record<string, string> = { 'opamp/src/node/index.ts': '', 'opamp/src/testing/index.ts': '' };
  for (const name of packages) tree[`${name}/src/${name === 'flaghoist' ? 'main' : 'index'}.ts`] = '';
  for (const name of [...packages, 'extra'])
    rmSync(join(scratch, 'packages', name, 'src'), { recursive: true, force: true });
  for (const [name, text] of Object.entries({ ...tree, ...files })) {
    const path = join(scratch, 'packages', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const args = [cruiser, '--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'packages'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: scratch, encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  const found: { summary: { violations: { from: string; rule: { name: string } }[] } } = JSON.parse(stdout);
  return found.summary.violations.map(({ from, rule }) => `${from.replace('packages/', '')} ${rule.name}`).sort();
}

const imports = (...names: string[]) => names.map((name) => `import '${name}';\n`).join('');

test('what the architecture allows breaks no rule', () => {
  expect(
    broken({
      'api/src/index.ts': imports('@flaghoist/fleet'),
      'cli/src/index.ts': imports('@flaghoist/api', '@flaghoist/fleet', 'node:fs'),
      'flaghoist/src/main.ts': imports('@flaghoist/api', '@flaghoist/cli', '@flaghoist/server', '@flaghoist/simulator'),
      'opamp/src/node/index.ts': imports('node:http', '../index.ts'),
      'server/src/agents/agent.ts': imports('@flaghoist/fleet', 'node:fs'),
      'server/src/agents/agent.test.ts': imports('@flaghoist/simulator', '@flaghoist/opamp/testing'),
      'server/src/gateway/gateway.ts': imports('@flaghoist/opamp', '@flaghoist/opamp/node', '../agents/agent.ts'),
      'simulator/src/index.ts': imports('@flaghoist/opamp'),
    }),
  ).toEqual([]);
});

test('every other direction between packages is refused', () => {
  expect(
    broken({
      'api/src/a.ts': imports('@flaghoist/opamp'),
      'cli/src/a.ts': imports('@flaghoist/server'),
      'extra/src/a.ts': imports('node:fs'),
      'flaghoist/src/a.ts': imports('@flaghoist/opamp'),
      'fleet/src/a.ts': imports('@flaghoist/api'),
      'opamp/src/a.ts': imports('@flaghoist/fleet'),
      'server/src/gateway/a.ts': imports('@flaghoist/cli'),
      'simulator/src/a.ts': imports('@flaghoist/fleet'),
    }),
  ).toEqual([
    'api/src/a.ts api-imports-fleet',
    'cli/src/a.ts cli-imports-api-fleet',
    'extra/src/a.ts known-packages',
    'flaghoist/src/a.ts flaghoist-imports-api-cli-server-simulator',
    'fleet/src/a.ts fleet-imports-no-other-package',
    'opamp/src/a.ts opamp-imports-no-other-package',
    'server/src/gateway/a.ts server-imports-api-fleet-opamp',
    'simulator/src/a.ts simulator-imports-opamp',
  ]);
});

test('the rules inside packages hold', () => {
  expect(
    broken({
      'api/src/deep.ts': imports('../../fleet/src/noun.ts'),
      'fleet/src/cycle-a.ts': imports('./cycle-b.ts'),
      'fleet/src/cycle-b.ts': imports('./cycle-a.ts'),
      'fleet/src/lost.ts': imports('./missing.ts'),
      'fleet/src/noun.ts': imports('./utils.ts'),
      'fleet/src/utils.ts': '',
      'fleet/src/noun.test.ts': '',
      'fleet/src/tested.ts': imports('./noun.test.ts'),
      'opamp/src/crypto.ts': imports('node:crypto'),
      'opamp/src/transport.ts': imports('./node/index.ts'),
      'server/src/rollouts/a.ts': imports('@flaghoist/opamp'),
      'server/src/rollouts/b.ts': imports('@flaghoist/opamp/node'),
    }),
  ).toEqual([
    'api/src/deep.ts through-the-entry',
    'fleet/src/cycle-a.ts no-cycles',
    'fleet/src/lost.ts resolvable',
    'fleet/src/noun.ts nouns',
    'fleet/src/tested.ts no-tests-in-sources',
    'opamp/src/crypto.ts opamp-root-without-builtins',
    'opamp/src/transport.ts opamp-root-without-transports',
    'server/src/rollouts/a.ts only-the-gateway-speaks-opamp',
    'server/src/rollouts/b.ts only-the-gateway-speaks-opamp',
  ]);
});
