import { describe, expect, test } from 'vitest';
import { T0 } from '../../test/samples.ts';
import { etaOf, leastDuration } from './forecast.ts';
import type { PlannedStage, Rollout } from './rollout.ts';
import { strategyNamed } from './strategy.ts';
import { Targets } from './targets.ts';
import { step } from './transitions.ts';

const MINUTE = 60_000;
const stages: PlannedStage[] = [
  { name: 'canary', planned: 10, upTo: null },
  { name: '25%', planned: 240, upTo: '4' },
  { name: '100%', planned: 750, upTo: null },
];
const from = { configuration: 'edge', revision: 1, hash: 'aa' };
const strategy = strategyNamed('careful');
const course = { stages, strategy, maxInFlight: 50 };

test('the least duration: agents in batches, each healthy for its time, soaks and bake', () => {
  // 4 batches of 3, 5 and 15 of 50, a minute each; soaks of 10, 5 and 5 minutes; half an hour of bake.
  expect(leastDuration(course)).toBe((4 + 5 + 15 + 10 + 5 + 5 + 30) * MINUTE);
});

describe('when it would end', () => {
  const target = { ...from, revision: 2, hash: 'bb' };
  const header = {
    ...{ id: 'r', group: 'edge', target, from, strategy, seed: 's', author: 'ada', message: '', supersedes: null },
    ...{ parent: null, takesBack: null, stages, canary: [], digest: '', carried: [], skipped: [], planned: 1_000 },
    ...{ maxInFlight: 50, maxFailed: 10, maxLost: 20, maxDeferred: 200 },
  };
  const begun: Rollout = step(null, { type: 'started', header }, T0);
  const pace = { waiting: [0, 40, 750], each: 2 * MINUTE };
  const second: Rollout = { ...begun, stage: 1, targets: new Targets() };
  // What is left of the second stage, the third in 15 batches, two soaks and the bake.
  const whole = (2 + 5 + 15 * 2 + 5 + 30) * MINUTE;

  test('at the pace of the agents proven so far, soaks and bake included', () => {
    expect(etaOf(second, pace, T0)).toBe(T0 + whole);
    const soaking = { ...second, watchedUntil: T0 + MINUTE };
    expect(etaOf(soaking, pace, T0)).toBe(T0 + (1 + 15 * 2 + 5 + 30) * MINUTE);
    expect(etaOf({ ...second, state: 'baking', stage: 3, watchedUntil: T0 + MINUTE }, pace, T0)).toBe(T0 + MINUTE);
  });

  test('cannot be told before a proof, before a gate, and while it stands still or goes back', () => {
    expect(etaOf(second, { ...pace, each: null }, T0)).toBeNull();
    expect(etaOf({ ...begun, from: null }, pace, T0)).toBeNull();
    const gates = [{ after: '25%', type: 'manual' }] as const;
    expect(etaOf({ ...second, strategy: { ...strategy, gates } }, pace, T0)).toBeNull();
    expect(etaOf({ ...second, state: 'paused' }, pace, T0)).toBeNull();
    expect(etaOf({ ...second, state: 'rolling-back' }, pace, T0)).toBeNull();
  });
});
