/** The only ways in which what an agent should run changes (I7), and what it refused. */
import {
  type Agent,
  type Assignment,
  type Pin,
  type Presence,
  type Refusal,
  refusalOf,
  type Unanswered,
} from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import { LIMITS } from '../limits.ts';
import type { Instant } from '../time.ts';
import { baselineOf } from './baseline.ts';
import { unanswered, withAnswer } from './crossing.ts';
import { openEntry, UNHEARD } from './entry.ts';
import { type AssignmentSource, failedOn, isOpen, type LedgerEntry, meaningOf, type Terms } from './ledger.ts';

/**
 * Gives the agent a revision to run: a new generation with a fresh ledger entry. What is on the way is not forgotten: the
 * same hash is not sent again on the same epoch (I5), and another one keeps old reports from counting (I13).
 */
export function assign(
  agent: Agent,
  revision: RevisionRef,
  source: AssignmentSource,
  terms: Terms,
  now: Instant,
): Agent {
  const generation = agent.assignment.generation + 1;
  const fresh = openEntry({ revision, source, generation, terms, offeredAt: now, baseline: baselineOf(agent) });
  const { sent, left } = source.kind === 'retry' ? { sent: {}, left: null } : onTheWay(agent, revision.hash, now);
  return {
    ...agent,
    assignment: { ...agent.assignment, generation, leftOnTheWay: left },
    ledger: { ...fresh, ...sent },
  };
}

/** What was sent to the agent already: that hash, or another one that it has not answered. */
function onTheWay(agent: Agent, hash: string, now: Instant): { sent: Partial<LedgerEntry>; left: Unanswered | null } {
  const { assignment, ledger } = agent;
  if (ledger?.revision.hash === hash) {
    const { sentAt, sentEpoch, sends } = ledger;
    return { sent: { sentAt, sentEpoch, sends }, left: assignment.leftOnTheWay };
  }
  const left = unanswered(agent, now);
  if (left?.hash !== hash) return { sent: {}, left };
  return { sent: { sentAt: left.sentAt, sentEpoch: left.epoch, sends: 1 }, left: null };
}

/** Nothing should run on the agent by our word any more; what it runs stays (no empty config is sent, I8). */
export function unassign(agent: Agent, now: Instant): Agent {
  if (agent.ledger === null) return agent;
  const generation = agent.assignment.generation + 1;
  return {
    ...agent,
    assignment: { ...agent.assignment, generation, leftOnTheWay: unanswered(agent, now) },
    ledger: null,
  };
}

/** Puts the agent under a pin. Pinned to the same again, it goes on with what it does. */
export function pin(agent: Agent, wanted: Pin, revision: RevisionRef, terms: Terms): Agent {
  const pinned = { ...agent, identity: { ...agent.identity, pin: wanted } };
  const isHeld = agent.ledger?.source.kind === 'pin' && agent.ledger.revision.hash === revision.hash;
  return isHeld ? pinned : assign(pinned, revision, { kind: 'pin' }, terms, wanted.at);
}

/** What the pin wanted is void; the group's stable revision comes by the catch-up lane. */
export function unpin(agent: Agent, now: Instant): Agent {
  return unassign({ ...agent, identity: { ...agent.identity, pin: null } }, now);
}

/** What a person may have asked of the agent once more: what it failed on, as long as it is not on its way back from it. */
export function retriable({ ledger }: Agent): RevisionRef | undefined {
  if (ledger?.phase === 'failed') return ledger.revision;
  return ledger?.phase === 'proven' ? failedOn(ledger)?.revision : undefined;
}

/**
 * Forgets the refusal of what the agent failed on and opens a new generation: the one way to offer it again (I5). Returns
 * the same agent while an attempt is open: a resend to an agent that is applying it makes it say APPLIED falsely.
 */
export function retry(agent: Agent, now: Instant): Agent {
  const { ledger } = agent;
  const revision = retriable(agent);
  if (ledger === null || revision === undefined) return agent;
  const { source, terms } = ledger;
  // Still what the rollout brought that gave it the revision: that one, and no lane, goes on to decide (A.7).
  const isIts = source.kind === 'rollout' || source.kind === 'retry' || failedOn(ledger)?.revision === revision;
  const rollout = isIts && 'rollout' in source ? source.rollout : undefined;
  return assign(
    forgiving(agent, revision.hash),
    revision,
    { kind: 'retry', ...(rollout !== undefined && { rollout }) },
    terms,
    now,
  );
}

/** Taken back like all others: it is behind nobody any more. */
export function behindNobody(agent: Agent): Agent {
  const { ledger } = agent;
  if (ledger?.source.kind !== 'rollback' || ledger.source.failedOn === undefined) return agent;
  const { kind, rollout } = ledger.source;
  return { ...agent, ledger: { ...ledger, source: { kind, rollout } } };
}

/** Its last word is APPLYING, on the connection on which it was sent: a resend would be answered falsely (real agents). */
export const isStillApplying = ({ report, ledger }: Agent, { epoch }: Presence): boolean =>
  report.reported?.status === 'APPLYING' &&
  report.reported.hash === ledger?.revision.hash &&
  epoch === ledger.sentEpoch;

/** Why such an agent is not asked once more, behind its name. */
export const STILL_APPLYING =
  'still says APPLYING: sent again now, it would answer APPLIED whether it works or not; restart the agent, then retry';

/** The agent without its refusal of that hash. */
export function forgiving(agent: Agent, hash: string): Agent {
  const refused = agent.assignment.refused.filter((refusal) => refusal.hash !== hash);
  return { ...agent, assignment: { ...agent.assignment, refused } };
}

/** Puts a new ledger entry in its place, remembering every hash that the agent refused or went back from, or is proven on. */
export function withLedger(agent: Agent, entry: LedgerEntry | null): Agent {
  const assignment = withProof(withRefusals(agent, withAnswer(agent), entry), entry);
  return entry === agent.ledger && assignment === agent.assignment ? agent : { ...agent, ledger: entry, assignment };
}

function withRefusals(agent: Agent, assignment: Assignment, entry: LedgerEntry | null): Assignment {
  const news = refusals(agent, entry).filter(({ hash }) => refusalOf(agent, hash) === undefined);
  if (news.length === 0) return assignment;
  return { ...assignment, refused: [...assignment.refused, ...news].slice(-LIMITS.refusalsPerAgent) };
}

/** The list holds the very object of the entry, which a rollout's agents share. */
function withProof(assignment: Assignment, entry: LedgerEntry | null): Assignment {
  const { proven } = assignment;
  if (entry?.phase !== 'proven' || proven.at(-1)?.hash === entry.revision.hash) return assignment;
  const others = proven.filter(({ hash }) => hash !== entry.revision.hash);
  return { ...assignment, proven: [...others, entry.revision].slice(-LIMITS.provenPerAgent) };
}

/**
 * The agent's own last good revision: the newest that it was proven on, has not refused since, and that is not bad
 * otherwise (A.7, I9). Never an empty config: none can be saved, `checkText` refuses it (I8).
 */
export const lastGood = (agent: Agent, isBad: (hash: string) => boolean): RevisionRef | undefined =>
  agent.assignment.proven.findLast(({ hash }) => refusalOf(agent, hash) === undefined && !isBad(hash));

function refusals({ report: { reported } }: Agent, entry: LedgerEntry | null): Refusal[] {
  const found: Refusal[] = [];
  const failure = entry?.failure ?? null;
  if (entry !== null && failure !== null && meaningOf(failure) === 'refusal')
    found.push({ hash: entry.revision.hash, ...failure });
  // A FAILED for a hash that is no longer desired is a refusal as well (I5); of the desired one the ledger judges.
  if (reported?.status !== 'FAILED' || reported.hash === entry?.revision.hash) return found;
  if (reported.hash !== '' && reported.hash.length <= LIMITS.hashLength)
    found.push({ hash: reported.hash, reason: 'agent-failed', message: reported.errorMessage, at: reported.at });
  return found;
}

/**
 * Two agents spoke under this agent's uid, the other one since `since`: what was said and concluded from then on may be
 * the other's. The report is forgotten, what is under way or was proven fails until a full state tells (A.7).
 */
export function conflicted(agent: Agent, since: Instant, now: Instant): Agent {
  const { ledger, assignment } = agent;
  const doubted = { ...agent, report: { ...agent.report, reported: null, health: null } };
  const settledAt = ledger?.provenAt ?? ledger?.failure?.at ?? now;
  if (ledger === null || (!isOpen(ledger) && settledAt < since)) return doubted;
  const message = 'two agents used this instance uid; what it runs is asked for again';
  return {
    ...doubted,
    assignment: {
      ...assignment,
      refused: assignment.refused.filter(({ at }) => at < since),
      proven: assignment.proven.filter(({ hash }) => hash !== ledger.revision.hash),
    },
    ledger: { ...ledger, ...UNHEARD, phase: 'failed', failure: { reason: 'identity-conflict', message, at: now } },
  };
}
