/** Brings an agent up to date with what is known now: its pin, its group, its ledger. Level-triggered, as `assess` is. */
import { type Agent, can, type Presence } from '../agents/agent.ts';
import type { GroupOf } from '../groups/group.ts';
import { LIMITS } from '../limits.ts';
import type { Instant } from '../time.ts';
import { assess, lacksNews } from './assess.ts';
import { unassign, unpin, withLedger } from './assignment.ts';
import { isDoubtful, mustReconnect } from './crossing.ts';
import { type EffectiveVerdict, goesToMany, isOpen, type LedgerEntry } from './ledger.ts';
import { decideOffer } from './pull-law.ts';

/** What the agents' surroundings say of one of them. */
export interface Surroundings {
  readonly groupOf: GroupOf;
  /** What the agent's effective config says of its revision (S5); undefined while that is not known. */
  readonly verdictOn: (agent: Agent) => EffectiveVerdict | undefined;
}

/** The agent as what is known now makes it: its pin over or not, its group, its ledger, and what cannot reach it taken back. */
export function settle(agent: Agent, presence: Presence, { groupOf, verdictOn }: Surroundings, now: Instant): Agent {
  const grouped = regroup(isPinOver(agent, now) ? unpin(agent, now) : agent, groupOf, now);
  const judged = withVerdict(grouped, verdictOn, now);
  const assessed = withLedger(judged, assess(judged, presence, now));
  return isUndeliverable(assessed, presence, now) ? unassign(assessed, now) : assessed;
}

/** Whether time alone has changed something: a pin or a deadline is over, or what was to be seen for a while was. */
export function isDue(agent: Agent, presence: Presence, now: Instant): boolean {
  const { ledger } = agent;
  // The question what it runs may be lost, and nothing else brings an answer (I16); how often it is asked, its session bounds.
  if (ledger?.phase === 'offered' && decideOffer(agent, presence, now) === 'ask-full-state') return true;
  if (isPinOver(agent, now) || isUndeliverable(agent, presence, now) || mustReconnect(agent, presence, now))
    return true;
  return ledger !== null && (assess(agent, presence, now) !== ledger || lacksNews(agent, presence, now));
}

/** Whether time alone can change something sooner or later. */
export const awaitsTime = ({ ledger, identity }: Agent): boolean => isOpen(ledger) || identity.pin?.expires != null;

const isPinOver = ({ identity: { pin } }: Agent, now: Instant): boolean => pin?.expires != null && pin.expires <= now;

/** The agent in the group that its labels say, since now when that is another one. */
function regroup(agent: Agent, groupOf: GroupOf, now: Instant): Agent {
  const { identity } = agent;
  const name = groupOf(identity);
  if ((identity.group?.name ?? null) === name) return agent;
  const moved = { ...agent, identity: { ...identity, group: name === null ? null : { name, since: now } } };
  // What the old group wanted is void; the new one's stable revision comes by the catch-up lane (A.7).
  return identity.pin === null ? unassign(moved, now) : moved;
}

/** With what the effective config says of the revision, when that is news. */
function withVerdict(agent: Agent, verdictOn: Surroundings['verdictOn'], now: Instant): Agent {
  const { ledger } = agent;
  // What an agent sends of an effective config without reporting it is of its first moments, and never renewed.
  if (ledger === null || !can(agent.identity, 'ReportsEffectiveConfig')) return agent;
  const verdict = verdictOn(agent);
  if (verdict === undefined)
    return isOutdated(agent, ledger) ? { ...agent, ledger: { ...ledger, effective: null } } : agent;
  const { kind, why } = ledger.effective ?? {};
  const isSame = kind === verdict.kind && why === verdict.why;
  return isSame ? agent : { ...agent, ledger: { ...ledger, effective: { ...verdict, at: now } } };
}

/** What was confirmed is of an older effective config than the one that is being read: that proves nothing now. */
function isOutdated({ report }: Agent, ledger: LedgerEntry): boolean {
  const { effective } = ledger;
  return isOpen(ledger) && effective?.kind === 'confirmed' && (report.effective?.at ?? 0) > effective.at;
}

/** Assigned to one of many, but not sent in time: not exposed, so it costs nothing and may come again (A.4, DEFERRED). */
function isUndeliverable(agent: Agent, presence: Presence, now: Instant): boolean {
  const { ledger, identity } = agent;
  if (ledger?.phase !== 'offered' || ledger.sentAt !== null || !goesToMany(ledger)) return false;
  // There is nothing to deliver: it has it, and waits for that to count.
  if (presence.connected && isDoubtful(agent, presence, now)) return false;
  const { deliveryTimeout } = ledger.terms;
  const patience = presence.transport === 'http' ? Math.max(deliveryTimeout, LIMITS.httpPatience) : deliveryTimeout;
  return !can(identity, 'AcceptsRemoteConfig') || now - ledger.offeredAt >= patience;
}
