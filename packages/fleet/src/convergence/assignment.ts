/** The only ways in which what an agent should run changes (I7), and what it refused. */

import { type Agent, type Assignment, can, type Refusal } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import { LIMITS } from '../limits.ts';
import type { Instant } from '../time.ts';
import { CONDEMNING } from './facts.ts';
import { IN_FLIGHT, type LedgerEntry, type Overtaken, openEntry, type Terms } from './ledger.ts';
import type { AssignmentSource } from './source.ts';

/**
 * Gives the agent a revision to run: a new generation with a fresh ledger entry. What is on the way is not forgotten: the
 * same hash is not sent again on the same epoch (I5), and another one keeps old reports from counting (I13).
 */
export function assign(
  agent: Agent,
  desired: RevisionRef,
  source: AssignmentSource,
  terms: Terms,
  now: Instant,
): Agent {
  const { leftOnTheWay: _, ...kept } = agent.assignment;
  const generation = kept.generation + 1;
  return {
    ...agent,
    assignment: { ...kept, desired, source, generation },
    ledger: {
      ...openEntry(desired, source, generation, terms, now),
      ...(source.kind === 'retry' ? {} : takenOver(agent, desired.hash)),
    },
  };
}

/** What an assignment takes over from the one before it. */
function takenOver(agent: Agent, hash: string): Partial<LedgerEntry> {
  const { assignment, ledger } = agent;
  if (ledger?.revision.hash === hash) {
    const { sentAt, sentEpoch, sends, overtakes } = ledger;
    return { sentAt, sentEpoch, sends, ...(overtakes === undefined ? {} : { overtakes }) };
  }
  const left = ledger === null ? assignment.leftOnTheWay : unanswered(agent, ledger);
  if (left === undefined) return {};
  return left.hash === hash ? { sentAt: left.sentAt, sentEpoch: left.epoch, sends: 1 } : { overtakes: left };
}

/** The send that the agent has not answered and still may: of this entry, or the one that it overtook itself. */
function unanswered({ identity }: Agent, entry: LedgerEntry): Overtaken | undefined {
  const { revision, phase, sentAt, sentEpoch, receivedAt, deadline, terms, overtakes } = entry;
  if (sentAt === null) return overtakes;
  // Who reports no status never says which hash it holds: the send is all that is known of it (S-124).
  const answers = can(identity, 'ReportsRemoteConfig');
  if (phase === 'failed' || (answers && receivedAt !== null)) return undefined;
  return { hash: revision.hash, epoch: sentEpoch, sentAt, until: deadline ?? sentAt + terms.applyTimeout };
}

/** Nothing should run on the agent by our word any more; what it runs stays (no empty config is sent, I8). */
export function unassign(agent: Agent): Agent {
  const { assignment, ledger } = agent;
  if (assignment.desired === null) return agent;
  const left = ledger === null ? undefined : unanswered(agent, ledger);
  const leftOnTheWay = left === undefined ? {} : { leftOnTheWay: left };
  return {
    ...agent,
    assignment: { ...assignment, desired: null, source: null, ...leftOnTheWay },
    ledger: null,
  };
}

/**
 * Forgets the refusal of the desired hash and opens a new generation: the one way to offer it again (I5). Returns the
 * same agent while the present attempt is open: a resend to an agent that is applying it makes it say APPLIED falsely.
 */
export function retry(agent: Agent, now: Instant): Agent {
  const { desired, refused } = agent.assignment;
  if (desired === null || agent.ledger === null || IN_FLIGHT.has(agent.ledger.phase)) return agent;
  const forgiven: Agent = {
    ...agent,
    assignment: { ...agent.assignment, refused: refused.filter((refusal) => refusal.hash !== desired.hash) },
  };
  return assign(forgiven, desired, { kind: 'retry' }, agent.ledger.terms, now);
}

/** Puts a new ledger entry in its place, remembering every hash that the agent refused or went back from. */
export function withLedger(agent: Agent, entry: LedgerEntry | null): Agent {
  const assignment = remember(remember(agent.assignment, refusalIn(entry)), refusalSaid(agent, entry));
  if (entry === agent.ledger && assignment === agent.assignment) return agent;
  return { ...agent, ledger: entry, assignment };
}

/**
 * Two agents spoke under this agent's uid, the other one since `since`: what was said and concluded from then on may be
 * the other's. The report is forgotten, what is under way or was proven fails until a full state tells (A.7).
 */
export function conflicted(agent: Agent, since: Instant, now: Instant): Agent {
  const { ledger, assignment } = agent;
  const report = { ...agent.report, reported: null, health: null };
  if (ledger === null) return { ...agent, report };
  const settledBefore = (ledger.provenAt ?? now) < since || (ledger.failure?.at ?? now) < since;
  if (!IN_FLIGHT.has(ledger.phase) && settledBefore) return { ...agent, report };
  const message = 'two agents used this instance uid; what it runs is asked for again';
  return {
    identity: agent.identity,
    report,
    assignment: { ...assignment, refused: assignment.refused.filter(({ at }) => at < since) },
    ledger: {
      ...ledger,
      phase: 'failed',
      failure: { reason: 'identity-conflict', message, at: now },
      receivedAt: null,
      deadline: null,
      healthySince: null,
      provenAt: null,
    },
  };
}

function refusalIn(entry: LedgerEntry | null): Refusal | null {
  const failure = entry?.failure ?? null;
  if (entry === null || failure === null || !CONDEMNING.has(failure.reason)) return null;
  return { hash: entry.revision.hash, ...failure };
}

/** A FAILED for a hash that is no longer desired is a refusal as well (I5); of the desired one the ledger judges. */
function refusalSaid({ report: { reported } }: Agent, entry: LedgerEntry | null): Refusal | null {
  if (reported?.status !== 'FAILED' || reported.hash === entry?.revision.hash) return null;
  if (reported.hash === '' || reported.hash.length > LIMITS.hashLength) return null;
  return { hash: reported.hash, reason: 'agent-failed', message: reported.errorMessage, at: reported.at };
}

function remember(assignment: Assignment, refusal: Refusal | null): Assignment {
  if (refusal === null || assignment.refused.some(({ hash }) => hash === refusal.hash)) return assignment;
  return { ...assignment, refused: [...assignment.refused, refusal].slice(-LIMITS.refusalsPerAgent) };
}
