/** T-A1 and R1: the engine in a thousand simulated worlds, and every mutant of A.8 caught. README.md says what is modelled. */
import { execFile } from 'node:child_process';
import { expect, test } from 'vitest';
import { MUTANTS } from './mutants.ts';

/** The program that `npm run simulate:engine` runs. */
function simulate(...args: readonly string[]): Promise<{ readonly code: number; readonly told: string }> {
  const program = `${import.meta.dirname}/main.ts`;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], { maxBuffer: 2 ** 26 }, (_error, told, errors) =>
      resolve({ code: child.exitCode ?? 1, told: told + errors }),
    );
  });
}

const SEEDS = process.env['SIMULATION_SEEDS'] ?? '1000';

test(`no law is broken in ${SEEDS} worlds (T-A1)`, { timeout: 300_000 }, async () => {
  const { code, told } = await simulate('--seeds', SEEDS, '--tally');
  expect(told).toContain(`${SEEDS} seeds, 0 broke a law`);
  expect(code).toBe(0);
  // What the worlds are there for did happen in them.
  for (const kind of [
    'rollout ID observed: paused (no-rollback-target)',
    'rollout ID advanced: paused (gate)',
    'rollout ID paused: paused (environment)',
    'rollout ID paused: paused (time-travel)',
    'rollout ID admitted: paused (time-travel)',
    'rollout ID reverting: running',
    'rollout ID superseded: superseded',
    'rollout ID rolled-back: rolled-back',
    'rollout ID stopped: stopped-mixed',
    'operators open the gate of the push ID',
    'operators pause the push ID',
    'operators roll back the push ID',
    'operators take back ID',
    'operators retry those of ID',
    'operators have ID retried',
    'server N ends: between two effects',
    'has taken over',
    'server N ends: the connection ended in COMMIT',
    'nobody reaches the server',
    'agent-N is gone',
    'agent-N says FAILED HASH',
  ])
    expect(told).toContain(kind);
});

test('the same seed gives the same world, in another process too (R1)', async () => {
  const runs = await Promise.all([simulate('--seed', '7'), simulate('--seed', '7'), simulate('--seed', '8')]);
  const [first, second, other] = runs.map(({ told }) => told);
  expect(first).toMatch(/^seed 7: \d+ lines, [0-9a-f]{16}$/m);
  expect(second).toBe(first);
  expect(other).not.toBe(first);
});

test.each(Object.keys(MUTANTS))('the laws catch the engine with %s (A.8)', { timeout: 300_000 }, async (name) => {
  const { code, told } = await simulate('--mutant', name, '--seeds', '3000');
  expect(told).toContain(`${name} is caught after`);
  expect(told).toContain(`again: npm run simulate:engine -- --seed`);
  expect(code).toBe(1);
});
