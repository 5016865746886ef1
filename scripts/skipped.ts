// A vitest reporter: says by name what was skipped, so that a part that needs what this machine lacks is called
// `describe.skipIf(!go)('interop (needs Go)')`. In CI nothing may be lacking: there a skip fails the run.
import { appendFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';

type State = 'skipped' | 'passed' | 'failed';

export default class SkippedReporter implements Reporter {
  #selected = false;

  onInit(vitest: Vitest): void {
    this.#selected = vitest.config.testNamePattern !== undefined; // what `-t` leaves out is not skipped
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = (state: State) => testsOf(modules, state).length;
    const skipped = this.#selected ? [] : [...new Set(testsOf(modules, 'skipped').map(widest))];
    for (const name of skipped) console.log(`skipped: ${name}`);
    if (skipped.length > 0 && process.env['CI']) {
      console.log('A skipped test is a failure here (CI is set).');
      process.exitCode = 1;
    }
    // For .ci/run, which adds up several runs.
    const tally = process.env['FLAGHOIST_TEST_TALLY'];
    if (tally !== undefined) appendFileSync(tally, `${count('passed')} ${count('failed')}\n`);
  }
}

function testsOf(modules: readonly TestModule[], state: State): TestCase[] {
  return modules.flatMap((module) => [...module.children.allTests(state)]);
}

/** The name of the widest suite around it of which nothing ran; its own where there is none. */
function widest(test: TestCase): string {
  let part: TestCase | TestSuite = test;
  while (part.parent.type === 'suite' && part.parent.state() === 'skipped') part = part.parent;
  return part.fullName;
}
