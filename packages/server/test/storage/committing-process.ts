/**
 * For tests that kill: opens the store in the directory given, commits without end, and prints the number of each
 * commit once it is durable. When the store refuses, it prints the code and ends.
 */
import { openSqliteStore } from '../../src/storage/sqlite-store.ts';
import { StoreError } from '../../src/storage/store.ts';
import { agent, changesOf, event, ledgerEntry, report } from './samples.ts';

const AT_ONCE = 16;
const AGENTS = 50;

async function run(directory: string): Promise<void> {
  const store = await openSqliteStore({ directory });
  let last = (await store.load()).lastEvent;

  async function commitOn(): Promise<never> {
    for (;;) {
      last += 1;
      const seq = last;
      const id = `agent-${seq % AGENTS}`;
      await store.commit([
        ...(seq <= AGENTS ? changesOf(agent(id, `uid-${id}`)) : []),
        { kind: 'event', row: event(seq) },
        { kind: 'agent-report', id, row: report(`commit ${seq}`) },
        { kind: 'ledger', id, row: { ...ledgerEntry(1), sends: seq } },
        { kind: 'text', digest: `commit ${seq}`, body: 'x'.repeat(seq % 5_000) },
        { kind: 'mark', name: 'last', value: seq },
      ]);
      process.stdout.write(`${seq}\n`);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, commitOn));
}

try {
  await run(process.argv[2] ?? '');
} catch (error) {
  if (!(error instanceof StoreError)) throw error;
  process.stdout.write(`refused ${error.code} ${error.message}\n`);
  process.exit(1);
}
