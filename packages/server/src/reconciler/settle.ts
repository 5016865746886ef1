import {
  type Agent,
  assess,
  assign,
  can,
  type EffectiveVerdict,
  type Grouping,
  type Instant,
  labelsOf,
  lacksNews,
  type Presence,
  type RevisionRef,
  type Terms,
  unassign,
  withLedger,
} from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import { SERVER_LIMITS } from '../limits.ts';

type GroupOf = Grouping['groupOf'];
type VerdictOn = (agent: Agent) => EffectiveVerdict | undefined;

/** The agent as what is known now makes it: its pin over or not, its group, its ledger, and what cannot reach it taken back. */
export function settle({ agent, presence }: Member, groupOf: GroupOf, verdictOn: VerdictOn, now: Instant): Agent {
  const grouped = regroup(withoutOldPin(agent, now), groupOf, now);
  const judged = withVerdict(grouped, verdictOn, now);
  const assessed = withLedger(judged, assess(judged, presence, now));
  return isUndeliverable(assessed, presence, now) ? unassign(assessed) : assessed;
}

function withoutOldPin(agent: Agent, now: Instant): Agent {
  const { pin } = agent.identity;
  if (pin === null || pin.expires === null || pin.expires > now) return agent;
  return unassign({ ...agent, identity: { ...agent.identity, pin: null } });
}

/** The agent in the group that its labels say, since now when that is another one. */
function regroup(agent: Agent, groupOf: GroupOf, now: Instant): Agent {
  const { identity } = agent;
  const name = groupOf(labelsOf(identity));
  if ((identity.group?.name ?? null) === name) return agent;
  const moved = { ...agent, identity: { ...identity, group: name === null ? null : { name, since: now } } };
  // What the old group wanted is void; the new one's stable revision comes by the catch-up lane (A.7).
  return identity.pin === null ? unassign(moved) : moved;
}

/** With what the effective config says of the revision, when that is news. */
function withVerdict(agent: Agent, verdictOn: VerdictOn, now: Instant): Agent {
  const { ledger } = agent;
  // What an agent sends of an effective config without reporting it is of its first moments, and never renewed.
  if (ledger === null || !can(agent.identity, 'ReportsEffectiveConfig')) return agent;
  const verdict = verdictOn(agent);
  if (verdict === undefined) return agent;
  const before = ledger.effective;
  const same =
    before?.kind === verdict.kind && (verdict.kind === 'confirmed' || ('why' in before && before.why === verdict.why));
  return same ? agent : { ...agent, ledger: { ...ledger, effective: { ...verdict, at: now } } };
}

/** Assigned to one of many, but not sent in time: not exposed, so it costs nothing and may come again (A.4, DEFERRED). */
function isUndeliverable({ ledger, identity }: Agent, { transport }: Presence, now: Instant): boolean {
  if (ledger?.phase !== 'offered' || ledger.sentAt !== null) return false;
  if (ledger.source.kind !== 'rollout' && ledger.source.kind !== 'catch-up') return false;
  const patience = transport === 'http' ? SERVER_LIMITS.httpPatience : SERVER_LIMITS.deliveryTimeout;
  return !can(identity, 'AcceptsRemoteConfig') || now - ledger.offeredAt >= patience;
}

/** Whether time alone may have changed something: what an agent waits for is sent, heard of, proven or over. */
export function isDue({ agent, presence }: Member, now: Instant): boolean {
  const { ledger, identity } = agent;
  if (identity.pin?.expires != null && identity.pin.expires <= now) return true;
  if (ledger === null) return false;
  if (ledger.phase === 'offered' || ledger.phase === 'verifying') return true;
  return (ledger.deadline !== null && ledger.deadline <= now) || lacksNews(agent, presence, now);
}

/** The agent under its pin, when it is not already. */
export function underPin(agent: Agent, revision: RevisionRef, terms: Terms, now: Instant): Agent {
  const held = agent.ledger?.source.kind === 'pin' && agent.assignment.desired?.hash === revision.hash;
  return held ? agent : assign(agent, revision, { kind: 'pin' }, terms, now);
}
