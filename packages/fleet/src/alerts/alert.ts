/** An alert as data: what is wrong in one rollout, or one group, for one cause. The rules are in SPEC.md beside this file. */
import type { AgentId } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import { LIMITS } from '../limits.ts';
import type { Instant } from '../time.ts';

/** What is wrong with agents. */
const AGENT_ALERT_KINDS = ['config-failed', 'rolled-back', 'drift', 'agents-lost', 'agent-conflict'] as const;
/** What is wrong with a rollout, or with the catch-up lane of a group. */
const ROLLOUT_ALERT_KINDS = ['rollout-paused', 'rollout-rolled-back'] as const;

export const ALERT_KINDS = [...AGENT_ALERT_KINDS, ...ROLLOUT_ALERT_KINDS] as const;
export type AgentAlertKind = (typeof AGENT_ALERT_KINDS)[number];
export type AlertKind = (typeof ALERT_KINDS)[number];

/** What an alert is of: there is one at a time for each kind of a rollout, or of a group where no rollout has part in it. */
export interface AlertSubject {
  readonly kind: AlertKind;
  readonly rollout: string | null;
  /** Null for a pinned agent that is in no group. */
  readonly group: string | null;
}

/** Agents that say the same. */
export interface AlertCause {
  /** A reason to fail, to pause or to go back: `agent-failed`, `failures`. */
  readonly reason: string;
  /** In the agents' own words where they gave any, cut to `LIMITS.alertMessage` characters. */
  readonly message: string;
  /** Agents that said so since the alert was raised; 0 where it is about no agents. */
  readonly count: number;
  readonly examples: readonly { readonly agent: AgentId; readonly name: string }[];
}

/** How the matter stands. */
export interface AlertFacts {
  /** What the agents concerned were to run. */
  readonly revision: RevisionRef | null;
  /** Agents concerned since it was raised, and how many of them still are. */
  readonly count: number;
  readonly remaining: number;
  /** The most frequent first, at most `LIMITS.alertCauses`. */
  readonly causes: readonly AlertCause[];
}

export interface Alert extends AlertSubject, AlertFacts {
  readonly id: string;
  readonly raisedAt: Instant;
  /** When it was told of last. */
  readonly updatedAt: Instant;
  /** Null while it is active. */
  readonly resolvedAt: Instant | null;
  /** Agents that are concerned, at most `LIMITS.alertHeld`: what no record of theirs says any more stands here. */
  readonly held: readonly AgentId[];
}

export const alertKey = ({ kind, rollout, group }: AlertSubject): string =>
  rollout === null ? `${kind} group/${group ?? ''}` : `${kind} rollout/${rollout}`;

const WHAT: Readonly<Record<AlertKind, (agents: string, revision: string) => string>> = {
  'config-failed': (agents, revision) => `${agents} could not apply ${revision}`,
  'rolled-back': (agents, revision) => `${agents} went back from ${revision} without being told to`,
  drift: (agents, revision) => `the effective config of ${agents} contradicts ${revision}`,
  'agents-lost': (agents) => `${agents} vanished`,
  'agent-conflict': (agents) => `another agent spoke under the instance UID of ${agents}`,
  'rollout-paused': (_, revision) => `the push of ${revision} stopped`,
  'rollout-rolled-back': (_, revision) => `the rollout of ${revision} is taken back`,
};

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, LIMITS.alertSummary);

/** One sentence for people: what, how many, where and the most frequent cause. */
export function summaryOf({ kind, rollout, group, revision, count, causes }: AlertSubject & AlertFacts): string {
  const agents = count === 1 ? `agent ${causes[0]?.examples[0]?.name ?? ''}`.trimEnd() : `${count} agents`;
  const pushed = revision === null ? 'its configuration' : `${revision.configuration}@${revision.revision}`;
  const where = [group === null ? '' : `group ${group}`, rollout === null ? '' : `rollout ${rollout}`];
  const place = where.filter(Boolean).join(', ');
  const [first] = causes;
  const why = first === undefined ? '' : `: ${first.message || first.reason}`;
  return oneLine(`${WHAT[kind](agents, pushed)}${place === '' ? '' : ` (${place})`}${why}`);
}
