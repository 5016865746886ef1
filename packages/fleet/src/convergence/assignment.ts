/** The only ways in which what an agent should run changes (I7), and what it refused. */
import type { Agent, Assignment, AssignmentSource, RevisionRef } from '../agents/agent.ts';
import { LIMITS } from '../limits.ts';
import type { Instant } from '../time.ts';
import { CONDEMNING } from './assess.ts';
import { type LedgerEntry, openEntry, type Terms } from './ledger.ts';

/** Gives the agent a revision to run: a new generation with a fresh ledger entry. */
export function assign(
  agent: Agent,
  desired: RevisionRef,
  source: AssignmentSource,
  terms: Terms,
  now: Instant,
): Agent {
  const generation = agent.assignment.generation + 1;
  return {
    ...agent,
    assignment: { ...agent.assignment, desired, source, generation },
    ledger: openEntry(desired, source, generation, terms, now),
  };
}

/** Nothing should run on the agent by our word any more; what it runs stays (no empty config is sent, I8). */
export function unassign(agent: Agent): Agent {
  if (agent.assignment.desired === null) return agent;
  return { ...agent, assignment: { ...agent.assignment, desired: null, source: null }, ledger: null };
}

/** Forgets the refusal of the desired hash and opens a new generation: the one way to offer it again (I5). */
export function retry(agent: Agent, now: Instant): Agent {
  const { desired, refused } = agent.assignment;
  if (desired === null || agent.ledger === null) return agent;
  const forgiven: Agent = {
    ...agent,
    assignment: { ...agent.assignment, refused: refused.filter((refusal) => refusal.hash !== desired.hash) },
  };
  return assign(forgiven, desired, { kind: 'retry' }, agent.ledger.terms, now);
}

/** Puts a new ledger entry in its place, remembering the hash when the agent refused it or went back from it. */
export function withLedger(agent: Agent, entry: LedgerEntry | null): Agent {
  if (entry === agent.ledger) return agent;
  return { ...agent, ledger: entry, assignment: remember(agent.assignment, entry) };
}

function remember(assignment: Assignment, entry: LedgerEntry | null): Assignment {
  const failure = entry?.failure ?? null;
  if (entry === null || failure === null || !CONDEMNING.has(failure.reason)) return assignment;
  const { hash } = entry.revision;
  if (assignment.refused.some((refusal) => refusal.hash === hash)) return assignment;
  const refusal = { hash, reason: failure.reason, message: failure.message, at: failure.at };
  return { ...assignment, refused: [...assignment.refused, refusal].slice(-LIMITS.refusalsPerAgent) };
}
