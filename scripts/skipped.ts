// A vitest reporter: says by name what was skipped, so that a part that needs what this machine lacks is called
// `describe.skipIf(!go)('interop (needs Go)')`. In CI nothing may be lacking: there a skip fails the run.
import { appendFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';

export default class SkippedReporter implements Reporter {
  #selected = false;

  onInit(vitest: Vitest): void {
    this.#selected = vitest.config.testNamePattern !== undefined; // what `-t` leaves out is not skipped
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = this.#selected ? [] : skippedParts(modules);
    for (const name of skipped) console.log(`skipped: ${name}`);
    if (skipped.length > 0 && process.env['CI']) {
      console.log('A skipped test is a failure here (CI is set).');
      process.exitCode = 1;
    }
    tally(modules);
  }
}

/** The widest suites of which nothing ran, and the single tests besides. */
function skippedParts(modules: readonly TestModule[]): string[] {
  const tests = modules.flatMap((module) => [...module.children.allTests('skipped')]);
  return [...new Set(tests.map((test) => widest(test).fullName))];
}

function widest(test: TestCase): TestCase | TestSuite {
  let part: TestCase | TestSuite = test;
  while (part.parent.type === 'suite' && part.parent.state() === 'skipped') part = part.parent;
  return part;
}

/** For .ci/run, which adds up several runs. */
function tally(modules: readonly TestModule[]): void {
  const file = process.env['FLAGHOIST_TEST_TALLY'];
  if (file === undefined) return;
  const count = (state: 'passed' | 'failed') =>
    modules.flatMap((module) => [...module.children.allTests(state)]).length;
  appendFileSync(file, `${count('passed')} ${count('failed')}\n`);
}
