import { describe, expect, test } from 'vitest';
import { agent, assigned, B, C, entry, health, presence, ROLLOUT, reported, T0, TERMS } from '../../test/samples.ts';
import type { Agent, Health } from '../agents/agent.ts';
import { LIMITS } from '../limits.ts';
import { assess } from './assess.ts';
import { assign } from './assignment.ts';
import { baselineOf, worsened } from './baseline.ts';
import type { LedgerEntry } from './ledger.ts';

const LATE = T0 + 400_000;
/** A tree with these components, by path. */
function tree(healthy: boolean, parts: Readonly<Record<string, boolean>> = {}): Health & { at: number } {
  const below = (own: boolean, others: [string, boolean][]): Health => {
    const names = new Set(others.map(([path]) => path.split(' > ')[0] ?? ''));
    const components = [...names].map((name): [string, Health] => {
      const rest = others.filter(([path]) => path.startsWith(`${name} > `));
      const itself = others.find(([path]) => path === name)?.[1] ?? true;
      return [
        name,
        below(
          itself,
          rest.map(([path, is]) => [path.slice(name.length + 3), is]),
        ),
      ];
    });
    return { ...health(own, T0), components: Object.fromEntries(components) };
  };
  return { ...below(healthy, Object.entries(parts)), at: T0 + 1_000 };
}

const feeling = (now: Health & { at: number }): Agent => ({ ...agent(), report: { ...agent().report, health: now } });

describe('what was wrong with an agent when it was assigned', () => {
  test('nothing, of most', () => {
    expect(baselineOf(feeling(tree(true, { 'pipeline:traces > exporter:otlp': true })))).toBeNull();
    expect(baselineOf({ ...agent(), report: { ...agent().report, health: null } })).toBeNull();
  });

  test('the whole, or components by their paths', () => {
    expect(baselineOf(feeling(tree(false)))).toEqual({ healthy: false, unhealthy: [] });
    const parts = { 'pipeline:traces': false, 'pipeline:traces > exporter:otlp': false, extensions: true };
    expect(baselineOf(feeling(tree(true, parts)))).toEqual({
      healthy: true,
      unhealthy: ['pipeline:traces', 'pipeline:traces > exporter:otlp'],
    });
  });

  test('is from before, while what it holds is not proven', () => {
    const before = { healthy: false, unhealthy: ['x'] };
    for (const phase of ['sent', 'applying', 'verifying', 'failed'] as const)
      expect(baselineOf({ ...feeling(tree(true)), ledger: entry(phase, { baseline: before }) })).toBe(before);
    expect(baselineOf({ ...feeling(tree(true)), ledger: entry('proven', { baseline: before }) })).toBeNull();
    expect(assign(feeling(tree(false)), B, ROLLOUT, TERMS, T0).ledger?.baseline).toEqual({
      healthy: false,
      unhealthy: [],
    });
  });

  test('so many components, and beyond them nothing can be said', () => {
    const many = Array.from({ length: LIMITS.baselineComponents + 5 }, (_, n) => [`c${n}`, false] as const);
    const known = baselineOf(feeling(tree(true, Object.fromEntries(many))));
    expect(known?.unhealthy).toHaveLength(LIMITS.baselineComponents);
    expect(worsened(tree(true, { fresh: false }), known)).toBeUndefined();
  });
});

describe('health compared with it (S3, A.5)', () => {
  const ill = { healthy: false, unhealthy: ['a'] };
  /** How the entry ends when its time is over with that health. */
  const outcome = (now: Health & { at: number }, baseline: LedgerEntry['baseline']) => {
    const verifying = entry('verifying', {
      baseline,
      healthySince: null,
      effective: { kind: 'confirmed', why: '', at: T0 },
    });
    const subject = assigned(verifying, { reported: reported(B, 'APPLIED', T0 + 1_000), health: now });
    const after = assess(subject, presence({ lastSeen: LATE }), LATE);
    return [after?.phase, after?.failure?.reason, after?.failure?.message];
  };

  test('a component that was healthy and is not is no proof, though the whole is said to be healthy', () => {
    const [phase, reason, message] = outcome(tree(true, { a: false }), null);
    expect([phase, reason]).toEqual(['failed', 'unhealthy']);
    expect(message).toContain('a is not healthy any more');
  });

  test('one that was ill before stands in the way of nothing', () => {
    const subject = assigned(
      entry('verifying', {
        baseline: { healthy: true, unhealthy: ['a'] },
        effective: { kind: 'confirmed', why: '', at: T0 },
      }),
      { reported: reported(B, 'APPLIED', T0 + 1_000), health: tree(true, { a: false }) },
    );
    expect(assess(subject, presence({ lastSeen: T0 + 65_000 }), T0 + 65_000)?.phase).toBe('proven');
  });

  test('as ill as before is `unchanged-unhealthy`, worse is `unhealthy`, well is proof', () => {
    expect(outcome(tree(false, { a: false }), ill).slice(0, 2)).toEqual(['failed', 'unchanged-unhealthy']);
    expect(outcome(tree(false), ill).slice(0, 2)).toEqual(['failed', 'unchanged-unhealthy']);
    expect(outcome(tree(false, { a: false, b: false }), ill).slice(0, 2)).toEqual(['failed', 'unhealthy']);
    expect(outcome(tree(false), null).slice(0, 2)).toEqual(['failed', 'unhealthy']);
    expect(outcome(tree(false), { healthy: true, unhealthy: ['a'] }).slice(0, 2)).toEqual(['failed', 'unhealthy']);
  });

  test('what a revision did to an agent is no excuse for the next', () => {
    const hurt = assigned(entry('failed', { failure: { reason: 'unhealthy', message: 'x', at: T0 } }), {
      health: tree(false),
    });
    expect(assign(hurt, C, ROLLOUT, TERMS, LATE).ledger?.baseline).toBeNull();
  });
});
