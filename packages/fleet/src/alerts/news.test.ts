import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import type { Alert, AlertFacts } from './alert.ts';
import { type AlertNews, newsOf } from './news.ts';

const nothing: AlertFacts = { revision: null, count: 0, remaining: 0, causes: [] };
const subject = { kind: 'config-failed', rollout: 'r', group: 'edge' } as const;

/** An alert as a shell keeps it, asked each 200 ms. */
class Kept {
  told: Alert | null = null;
  facts: AlertFacts = nothing;
  goneSince: number | null = 0;
  now = 0;
  readonly news: { kind: AlertNews; at: number }[] = [];

  pass(millis: number): void {
    for (const end = this.now + millis; this.now < end; this.now += 200) this.ask();
  }

  ask(): void {
    this.goneSince = this.facts.remaining > 0 ? null : (this.goneSince ?? this.now);
    const news = newsOf(this, this.now);
    if (news === undefined) return;
    this.news.push({ kind: news, at: this.now });
    const raisedAt = this.told?.raisedAt ?? this.now;
    const resolvedAt = news === 'resolved' ? this.now : null;
    this.told = { id: 'n', ...subject, ...this.facts, raisedAt, updatedAt: this.now, resolvedAt, held: [] };
    if (resolvedAt !== null) this.told = null;
  }

  set(count: number, remaining: number): void {
    this.facts = { ...nothing, count, remaining };
  }
}

test('10,000 agents, one after the other, are told of 15 times', () => {
  const kept = new Kept();
  for (let count = 1; count <= 10_000; count += 1) {
    kept.set(count, count);
    kept.now += 5;
    kept.ask();
  }
  expect(kept.news.length).toBeLessThanOrEqual(15);
  expect(kept.news.filter(({ kind }) => kind === 'raised')).toHaveLength(1);
});

const steps = fc.array(fc.record({ wait: fc.integer({ min: 1, max: 90_000 }), more: fc.nat(50), less: fc.nat(60) }), {
  maxLength: 30,
});

function after(list: readonly { wait: number; more: number; less: number }[]): Kept {
  const kept = new Kept();
  for (const { wait, more, less } of list) {
    const { count, remaining } = kept.facts;
    kept.set(count + more, Math.max(0, remaining + more - less));
    kept.pass(wait);
  }
  return kept;
}

test('the last word is the truth', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const kept = after(list);
      kept.pass(LIMITS.alertSlowPace + 400);
      const { count, remaining } = kept.facts;
      if (remaining > 0) expect(kept.told).toMatchObject({ count, remaining });
      else expect(kept.told).toBeNull();
    }),
  );
});

test('raised, updated, resolved, in that order, as the cause comes and goes', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const { news } = after(list);
      let isActive = false;
      for (const { kind } of news) {
        expect(kind === 'raised').toBe(!isActive);
        isActive = kind !== 'resolved';
      }
      for (const [index, { kind, at }] of news.entries())
        if (kind === 'updated') expect(at - (news[index - 1]?.at ?? 0)).toBeGreaterThanOrEqual(LIMITS.alertPace);
    }),
  );
});

test('what is gone for less than the quiet time is not resolved', () => {
  const kept = new Kept();
  kept.set(1, 1);
  kept.pass(1_000);
  kept.set(1, 0);
  kept.pass(LIMITS.alertQuiet - 400);
  kept.set(1, 1);
  kept.pass(1_000);
  kept.set(1, 0);
  kept.pass(LIMITS.alertQuiet - 400);
  expect(kept.news.map(({ kind }) => kind)).toEqual(['raised']);
  kept.pass(1_000);
  expect(kept.news.map(({ kind }) => kind)).toEqual(['raised', 'resolved']);
});

test('another reason of a rollout is told at once', () => {
  const cause = (reason: string) => ({ ...nothing, causes: [{ reason, message: '', count: 0, examples: [] }] });
  const told = { id: 'n', ...subject, ...cause('rolling-back'), raisedAt: 0, updatedAt: 0, resolvedAt: null, held: [] };
  const news = (reason: string, now: number) => newsOf({ told, facts: cause(reason), goneSince: null }, now);
  expect(news('rolled-back', LIMITS.alertPace)).toBe('updated');
  expect(news('rolling-back', LIMITS.alertPace)).toBeUndefined();
});
