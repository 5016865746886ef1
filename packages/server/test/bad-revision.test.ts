import { expect, it } from 'vitest';
import { badForAll, faults, NO_FAULT, Show } from './bad-revision.ts';
import { seedOf } from './random.ts';

// Once in some runs of everything the 1,000 agents did not come to an end in time, on a busy machine; not by itself.
it('of a revision that is bad for all, at most three get it, and those that live are soon back (T-A2)', {
  timeout: 120_000,
  retry: 1,
}, async () => {
  const [rejects, ...others] = badForAll(60);
  if (rejects === undefined) throw new Error('no case');
  await using show = await Show.start([{ ...rejects, agents: 1_000 }, ...others], seedOf('BAD_REVISION_SEED'));
  const all = await show.run();
  for (const figures of all) expect(faults(figures), figures.case).toEqual(NO_FAULT);
  const endings = Object.fromEntries(all.map(({ case: name, state, revived }) => [name, [state, revived > 0]]));
  expect(endings['dies']).toEqual(['rolled-back-partial', true]);
  expect(endings['rejects']).toEqual(['rolled-back', false]);
});
