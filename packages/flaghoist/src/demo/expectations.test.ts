import { expect, test } from 'vitest';
import { expectations } from './expectations.ts';

const failing = (real: number) =>
  Object.entries(expectations({ agents: [], rollouts: [], records: [], real }))
    .filter(([, holds]) => !holds)
    .map(([text]) => text);

test('where nothing happened, whatever should have happened is missed', () => {
  expect(failing(0)).toEqual([
    'the first revision succeeded in every group',
    'the second one succeeded in edge, with 2 failures, and in gateway, with none',
    'it took itself back in payments, where more failed than was allowed',
    'the misspelt one was taken back',
    'nobody but the canary ever got it',
    'every agent that is called in-sync really runs what it should',
    'the agents that refused are shown as such, in their own words',
    'the two agents that had one instance uid are two agents now',
    'the one that came late got what its group runs',
  ]);
});

test('real agents are expected where they were asked for', () => {
  expect(failing(2)).toContain('the real ones run what their group runs');
});
