import { expect, test } from 'vitest';
import { T0 } from '../../test/samples.ts';
import { type OwnStrategy, refuseBuiltIn, resolveStrategy, settingsOf, standsOn } from './own-strategy.ts';

const night: OwnStrategy = {
  name: 'night',
  spec: { base: 'careful', soak: { canary: 3_600_000 }, maxInFlight: { percent: 1 } },
  createdAt: T0,
};

test('an own strategy is fields over a built-in one', () => {
  expect(settingsOf(night)).toMatchObject({
    name: 'night',
    soak: { canary: 3_600_000, stage: 300_000 },
    maxInFlight: { percent: 1 },
    bake: 1_800_000,
  });
});

test('a group chooses by name, or writes fields over one, also over an own one', () => {
  expect(resolveStrategy('quick', [night])).toMatchObject({ name: 'quick', bake: 60_000 });
  expect(resolveStrategy('night', [night])).toEqual(settingsOf(night));
  expect(resolveStrategy({ base: 'night', bake: 0 }, [night])).toMatchObject({ bake: 0, maxInFlight: { percent: 1 } });
  expect(standsOn({ base: 'night' }, 'night')).toBe(true);
  expect(standsOn('quick', 'night')).toBe(false);
});

test('what is not there, and what makes no sense, is refused in words', () => {
  expect(() => resolveStrategy('nigth', [night])).toThrow('there is: careful, quick, all-at-once, night');
  // One own strategy does not stand on another: what it means is found in one place.
  expect(() => settingsOf({ name: 'later', spec: { base: 'night' } })).toThrow('no strategy is called "night"');
  expect(() => settingsOf({ name: 'odd', spec: { base: 'careful', stages: ['50%'] } })).toThrow(
    'stages must rise to 100%',
  );
  expect(() => refuseBuiltIn('careful')).toThrow('built in');
});
