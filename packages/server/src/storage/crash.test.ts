/** What has been acknowledged is there after the worst end that a process can have (R2, R4). */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  acknowledged,
  commitIn,
  commitWithin,
  expectSound,
  expectWhole,
  kill,
  killAgainAndAgain,
  newDirectory,
} from '../../test/storage/crash.ts';
import { openSqliteStore } from './sqlite-store.ts';

const PATIENCE = 120_000;

test(
  'kill -9 in the middle of commits, 20 times: nothing acknowledged is lost, nothing is half there',
  async () => {
    await killAgainAndAgain(20);
  },
  PATIENCE,
);

test(
  'kill -9 while the database is being made: the next start goes on',
  async () => {
    for (const delay of [0, 1, 2, 4, 8, 16, 32]) {
      const directory = newDirectory();
      const child = commitIn(directory);
      while (!fs.existsSync(path.join(directory, 'flaghoist.db'))) await sleep(1);
      await sleep(delay);
      const acks = acknowledged(await kill(child));
      await expectWhole(directory, acks);
      expectSound(directory);
    }
  },
  PATIENCE,
);

test('a running server is the only one on its directory; kill -9 sets the directory free at once', async () => {
  const directory = newDirectory();
  const child = commitIn(directory);
  await child.started;
  await expect(openSqliteStore({ directory })).rejects.toMatchObject({
    name: 'StoreError',
    code: 'locked',
    message: expect.stringContaining(directory),
  });
  const acks = acknowledged(await kill(child));
  expect(await expectWhole(directory, acks)).toBeGreaterThanOrEqual(Math.max(...acks));
});

test.skipIf(process.platform === 'win32')(
  'when writing fails, at whatever size of its files, it says so, acknowledges nothing more, and recovers',
  async () => {
    let acks = 0;
    for (const kibibytes of [4, 64, 200, 1_000, 3_000]) {
      const directory = newDirectory();
      const output = await commitWithin(kibibytes, directory).output;
      expect(output.trimEnd().split('\n').at(-1)).toMatch(/^refused unavailable .*flaghoist-store-.*/);
      expect(output.match(/refused/g)).toHaveLength(1);
      await expectWhole(directory, acknowledged(output));
      expectSound(directory);
      acks += acknowledged(output).length;
    }
    expect(acks).toBeGreaterThan(100);
  },
  PATIENCE,
);
