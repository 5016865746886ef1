import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
mkdirSync(join(root, '.cache'), { recursive: true });
const scratch = mkdtempSync(join(root, '.cache/skipped-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const config = `
  import SkippedReporter from '../../scripts/skipped.ts';
  export default { test: { include: ['*.test.ts'], reporters: ['dot', new SkippedReporter()] } };`;
writeFileSync(join(scratch, 'vitest.config.ts'), config);

function run(environment: { CI?: string }, body: string) {
  writeFileSync(join(scratch, 'fixture.test.ts'), `import { describe, test } from 'vitest';\n${body}`);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const tally = join(scratch, 'tally');
  rmSync(tally, { force: true });
  const ended = spawnSync(process.execPath, [vitest, 'run', '--root', scratch], {
    encoding: 'utf8',
    env: { ...environment, PATH: process.env['PATH'], NO_COLOR: '1', FLAGHOIST_TEST_TALLY: tally },
  });
  const skipped = ended.stdout.split('\n').filter((line) => line.startsWith('skipped: '));
  return { status: ended.status, skipped, tally: readFileSync(tally, 'utf8') };
}

const PARTLY = `
  describe.skip('interop (needs Go)', () => { test('one', () => {}); describe('more', () => test('two', () => {})); });
  describe('codec', () => { test('runs', () => {}); test.skip('waits', () => {}); });`;

test('what was skipped is named, once per part', () => {
  expect(run({}, PARTLY)).toEqual({
    status: 0,
    skipped: ['skipped: interop (needs Go)', 'skipped: codec > waits'],
    tally: '1 0\n',
  });
});

test('under CI a skip fails the run', () => {
  expect(run({ CI: 'true' }, PARTLY).status).toBe(1);
  expect(run({ CI: 'true' }, `test('runs', () => {});`)).toEqual({ status: 0, skipped: [], tally: '1 0\n' });
});
