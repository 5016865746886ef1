import type { AgentId, Instant } from '@flaghoist/fleet';
import { Roster } from './agents/roster.ts';
import { Alerts } from './alerts/alerts.ts';
import { MACHINE } from './clock.ts';
import { Configurations } from './configurations/configurations.ts';
import { EffectiveConfigs } from './effective/effective-configs.ts';
import type { TextReader } from './effective/reader.ts';
import { Journal } from './events/journal.ts';
import { offerBook } from './gateway/offer-book.ts';
import { Groups } from './groups/groups.ts';
import { whenLeading } from './leadership.ts';
import { Rollouts } from './rollouts/rollouts.ts';
import type { Loaded, Store } from './storage/store.ts';
import { Strategies } from './strategies/strategies.ts';

/** The image of the store: everything that was committed, each noun kept by a part of its own. */
export async function openMemory(store: Store, reader: Pick<TextReader, 'understand' | 'check'>, machine = MACHINE) {
  const loaded = await store.load();
  const now = machine.clock(lastTimeOf(loaded));
  const startedAt = now();
  const journal = new Journal(store, loaded, now);
  const roster = new Roster(loaded.agents, machine);
  const strategies = new Strategies(loaded.strategies, journal);
  const groups = new Groups(loaded.groups, journal);
  const configurations = new Configurations(loaded, journal);
  const rollouts = new Rollouts({ roster, groups, journal }, startedAt);
  await rollouts.load(loaded.rollouts, store);
  const alerts = new Alerts({ roster, groups, rollouts, journal, machine }, loaded.alerts, startedAt);
  const onVerdict = (id: AgentId): void => {
    const member = roster.get(id);
    if (member !== undefined) roster.touch(member);
  };
  const effective = new EffectiveConfigs(reader, store, onVerdict, machine);
  const offers = offerBook(store);
  const wanted = [...groups.list().map(({ stable }) => stable), ...loaded.agents.map(({ ledger }) => ledger?.revision)];
  await offers.ahead(new Set(wanted.flatMap((revision) => revision?.hash ?? [])));
  const { marks, travelled, webhooks, deliveries } = loaded;
  const travelledAt = travelled === null ? (marks.get(TRAVELLED_AT) ?? null) : startedAt;
  const origin = { store, reader, machine, now, startedAt, marks, whenLeading: whenLeading(store) };
  const toTell = { webhooks, deliveries };
  const image = { journal, roster, strategies, groups, configurations, rollouts, alerts, effective, offers };
  return { ...origin, ...image, toTell, travelled, travelledAt };
}

/** Name of the durable value that tells when the server last found itself on an older database (I14). */
export const TRAVELLED_AT = 'travelled-at';

/** Name of the durable value that tells when the server was last alive. */
export const ALIVE_AT = 'alive-at';

/** The latest time that the server is known to have come to. */
function lastTimeOf({ marks, agents }: Loaded): Instant {
  const sentAt = agents.map(({ ledger }) => ledger?.sentAt ?? 0);
  return sentAt.reduce((last, at) => Math.max(last, at), marks.get(ALIVE_AT) ?? 0);
}

export type Memory = Awaited<ReturnType<typeof openMemory>>;
