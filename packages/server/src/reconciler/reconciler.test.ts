import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { TextReader } from '../effective/reader.ts';
import { Gateway } from '../gateway/gateway.ts';
import { SERVER_LIMITS } from '../limits.ts';
import { openMemory } from '../memory.ts';
import { openSqliteStore } from '../storage/sqlite-store.ts';
import { Reconciler } from './reconciler.ts';

async function opened() {
  const directory = mkdtempSync(join(tmpdir(), 'flaghoist-reconciler-'));
  const reader = new TextReader();
  const store = await openSqliteStore({ directory });
  onTestFinished(async () => {
    await store[Symbol.asyncDispose]();
    reader[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  });
  const memory = await openMemory(store, reader);
  const gateway = new Gateway(memory);
  const reconciler = new Reconciler(memory, gateway, (error) => {
    throw error;
  });
  onTestFinished(() => reconciler.stop());
  return { memory, gateway, reconciler };
}

test('a turn looks at so many agents, and what it leaves over waits for the next one, whatever the burst of messages', async () => {
  const { turnMost, turnSize } = SERVER_LIMITS;
  const { memory, gateway, reconciler } = await opened();
  const { roster } = memory;
  // More than a turn looks at are touched at once, as when a text that all of them report has been understood.
  const members = Array.from({ length: 4 * turnMost }, (_, n) => roster.enrol(n.toString(16).padStart(32, '0'), 1));
  const [speaker] = members;
  if (speaker === undefined) throw new Error('no agent');
  const hear = (messages: number) => {
    for (let n = 0; n < messages; n += 1) gateway.onMessage(speaker);
  };

  hear(10);
  expect(roster.touchedCount).toBe(members.length - turnMost);

  // Those who speak themselves get their turn: a timer would not come in the burst.
  for (const member of members.slice(0, turnSize)) roster.touch(member);
  hear(10);
  expect(roster.touchedCount).toBe(members.length - 2 * turnMost + turnSize);

  while (roster.touchedCount > 0) await reconciler.flush();
  const { agents } = await memory.store.load();
  expect(agents).toHaveLength(members.length);
});
