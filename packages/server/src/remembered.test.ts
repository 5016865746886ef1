import { expect, it } from 'vitest';
import { Remembered } from './remembered.ts';

it('forgets what was not used for longest, when there are too many or they are too large', () => {
  const kept = new Remembered<string>({ entries: 3, sizes: 10 });
  const present = () => [...'abcdef'].filter((key) => kept.get(key) !== undefined).join('');
  for (const key of 'abcd') kept.set(key, key, 1);
  expect(present()).toBe('bcd');
  kept.get('b');
  kept.set('e', 'e', 8);
  expect(present()).toBe('bde');
  kept.set('b', 'b', 1);
  kept.set('d', 'd', 2);
  expect(present()).toBe('bd');
  kept.set('f', 'f', 11);
  expect(present()).toBe('');
});
