import {
  type Agent,
  type AgentId,
  assess,
  assign,
  type EffectiveVerdict,
  type Instant,
  type LedgerEntry,
  labelsOf,
  type Observation,
  type Phase,
  type Presence,
  type RevisionRef,
  type Target,
  type Terms,
  unassign,
  withLedger,
} from '@flaghoist/fleet';

/** Target states by ledger phase: a rollout sees an agent through its ledger. */
const TARGET_OF: Readonly<Record<Phase, Target['state']>> = {
  offered: 'offered',
  sent: 'sent',
  received: 'sent',
  applying: 'applying',
  verifying: 'verifying',
  proven: 'proven',
  failed: 'failed',
};

/** The agent in the group that its labels say, since now when that is another one. */
export function regroup(agent: Agent, groupOf: (labels: Record<string, string>) => string | null, now: Instant): Agent {
  const name = groupOf(labelsOf(agent.identity));
  const before = agent.identity.group;
  if ((before?.name ?? null) === name) return agent;
  const moved: Agent = {
    ...agent,
    identity: { ...agent.identity, group: name === null ? null : { name, since: now } },
  };
  // What the old group wanted is void; the new one's stable revision comes by the catch-up lane (A.7).
  return agent.identity.pin === null ? unassign(moved) : moved;
}

/** The ledger entry with what the effective config says, when that is news. */
function withVerdict(entry: LedgerEntry, verdict: EffectiveVerdict | undefined, now: Instant): LedgerEntry {
  if (verdict === undefined) return entry;
  const before = entry.effective;
  const same =
    before?.kind === verdict.kind && (verdict.kind === 'confirmed' || ('why' in before && before.why === verdict.why));
  return same ? entry : { ...entry, effective: { ...verdict, at: now } };
}

/** The agent with its ledger moved by what is known now. */
export function settle(agent: Agent, presence: Presence, verdict: EffectiveVerdict | undefined, now: Instant): Agent {
  if (agent.ledger === null) return withLedger(agent, null);
  const judged = { ...agent, ledger: withVerdict(agent.ledger, verdict, now) };
  return withLedger(agent, assess(judged.ledger === agent.ledger ? agent : judged, presence, now));
}

/** What a rollout must hear of the ledger of one of its targets, given what it heard last. */
export function observation(
  agent: AgentId,
  heard: LedgerEntry | null,
  entry: LedgerEntry | null,
): { rollout: string; observation: Observation } | undefined {
  if (entry === null || entry === heard || entry.source.kind !== 'rollout') return undefined;
  const state = TARGET_OF[entry.phase];
  const same = heard?.generation === entry.generation && TARGET_OF[heard.phase] === state;
  if (state === 'offered' || same) return undefined;
  const { reason = null, message = '' } = entry.failure ?? {};
  return { rollout: entry.source.rollout, observation: { agent, state, reason, message } };
}

/** The agent under its pin, when it is not already. */
export function underPin(agent: Agent, revision: RevisionRef, terms: Terms, now: Instant): Agent {
  const held = agent.ledger?.source.kind === 'pin' && agent.assignment.desired?.hash === revision.hash;
  return held ? agent : assign(agent, revision, { kind: 'pin' }, terms, now);
}
