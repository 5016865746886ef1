import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describeStore } from '../../test/storage/contract.ts';
import { openSqliteStore } from './sqlite-store.ts';

describeStore('SqliteStore', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'flaghoist-store-'));
  return {
    open: () => openSqliteStore({ directory }),
    share: (leaseTime) => openSqliteStore({ directory, shared: true, leaseTime }),
    remove: async () => fs.rmSync(directory, { recursive: true }),
  };
});
