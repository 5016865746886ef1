import { describe, expect, it } from 'vitest';
import { badForAll, type Case, faults, NO_FAULT, Show } from './bad-revision.ts';
import { seedOf } from './random.ts';

const AGENTS = 1_000;

/** The times that people use: the Collector turns unhealthy 20 s after APPLIED, and `careful` asks for a minute. */
const inRealTime: Case = {
  name: 'unhealthy-after-20-s',
  agents: AGENTS,
  behaviour: { kind: 'unhealthy', after: '20s' },
  overrides: { applyTimeout: '2m', minHealthyTime: '1m', revertTimeout: '10m' },
};

describe('1,000 agents, for each of which the revision is bad (T-A2)', () => {
  it.for([...badForAll(AGENTS), inRealTime])('$name', async (one) => {
    await using show = await Show.start([one], seedOf('BAD_REVISION_SEED'));
    for (const figures of await show.run()) expect(faults(figures)).toEqual(NO_FAULT);
  });
});
