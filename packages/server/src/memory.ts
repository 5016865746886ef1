import { Roster } from './agents/roster.ts';
import type { Now } from './clock.ts';
import { Configurations } from './configurations/configurations.ts';
import { EffectiveConfigs } from './effective/effective-configs.ts';
import type { TextReader } from './effective/reader.ts';
import { Journal } from './events/journal.ts';
import { offerBook } from './gateway/offer-book.ts';
import { Groups } from './groups/groups.ts';
import { SERVER_LIMITS } from './limits.ts';
import { Rollouts } from './rollouts/rollouts.ts';
import type { Store } from './storage/store.ts';

/** The image of the store: everything that was committed, each noun kept by a part of its own. */
export async function openMemory(store: Store, reader: TextReader, now: Now) {
  const loaded = await store.load();
  const startedAt = now();
  const journal = new Journal(store, loaded, now);
  const roster = new Roster(loaded.agents);
  const groups = new Groups(loaded.groups, journal);
  const configurations = new Configurations(loaded, journal);
  const rollouts = new Rollouts({ roster, groups, journal }, startedAt + SERVER_LIMITS.reconnectGrace);
  await rollouts.load(loaded.rollouts, store);
  const effective = new EffectiveConfigs(reader, store, (id) => {
    const member = roster.get(id);
    if (member !== undefined) roster.touch(member);
  });
  const offers = offerBook(store);
  const wanted = [...groups.list().map(({ stable }) => stable), ...loaded.agents.map(({ ledger }) => ledger?.revision)];
  await offers.ahead(new Set(wanted.flatMap((revision) => revision?.hash ?? [])));
  const { marks } = loaded;
  return { store, reader, now, startedAt, marks, journal, roster, groups, configurations, rollouts, effective, offers };
}

export type Memory = Awaited<ReturnType<typeof openMemory>>;
