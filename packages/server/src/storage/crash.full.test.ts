/** The long run of R2. */
import { test } from 'vitest';
import { killAgainAndAgain } from '../../test/storage/crash.ts';

test('kill -9 in the middle of commits, 1,000 times', async () => {
  await killAgainAndAgain(1_000);
});
