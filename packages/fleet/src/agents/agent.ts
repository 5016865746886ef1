/**
 * An agent as the server knows it. Four facets, each replaced as a whole and stored by itself, so that a health
 * report does not write the description again: `identity`, `report`, `assignment`, `ledger`.
 * What is only true while a connection lives (presence) is not stored and is a type of its own.
 */
import type { RevisionRef } from '../configurations/revision.ts';
import type { Failure, LedgerEntry } from '../convergence/ledger.ts';
import { type Frequency, LIMITS } from '../limits.ts';
import type { Instant } from '../time.ts';

/** Our own id of an agent: survives a change of its instance uid (P10). */
export type AgentId = string;

/** An OpAMP attribute value as JSON. 64-bit integers outside the safe range and bytes keep their type in a tag. */
export type AttributeValue =
  | string
  | number
  | boolean
  | null
  | { readonly int64: string }
  | { readonly double: string }
  | { readonly bytes: string }
  | { readonly kvlist: Attributes }
  | readonly AttributeValue[];

export type Attributes = Readonly<Record<string, AttributeValue>>;
export type Labels = Readonly<Record<string, string>>;

/** The capability bits that the domain decides by (messages.md, AgentCapabilities). */
export const Capability = {
  ReportsStatus: 0x1,
  AcceptsRemoteConfig: 0x2,
  ReportsEffectiveConfig: 0x4,
  AcceptsRestartCommand: 0x400,
  ReportsHealth: 0x800,
  ReportsRemoteConfig: 0x1000,
  ReportsHeartbeat: 0x2000,
  ReportsAvailableComponents: 0x4000,
} as const;

export type CapabilityName = keyof typeof Capability;

/** Whether an agent may be offered anything at all. */
export const ADMISSIONS = ['open', 'awaiting-approval', 'quarantined', 'revoked'] as const;
export type Admission = (typeof ADMISSIONS)[number];

/** Health as the agent reported it; `at` is our clock when it arrived, the agent's own times are kept as text. */
export interface Health {
  readonly healthy: boolean;
  readonly status: string;
  readonly lastError: string;
  /** Nanoseconds since the Unix epoch as decimal text (64 bits); `0` when the agent gave none. */
  readonly startTimeUnixNano: string;
  readonly statusTimeUnixNano: string;
  readonly attributes: Attributes;
  readonly components: Readonly<Record<string, Health>>;
}

export const REMOTE_CONFIG_STATES = ['UNSET', 'APPLIED', 'APPLYING', 'FAILED'] as const;
export type RemoteConfigState = (typeof REMOTE_CONFIG_STATES)[number];

/** What the agent last said of a remote configuration: a hash (hex, empty for none), a status and its own words. */
export interface ReportedConfig {
  readonly hash: string;
  readonly status: RemoteConfigState;
  readonly errorMessage: string;
  readonly at: Instant;
}

/** One named text of an effective config, stored once per distinct text: `template` with `holes` filled in. */
export interface EffectiveFile {
  readonly name: string;
  readonly contentType: string;
  /** The text stands for a body that is not UTF-8. */
  readonly encoding?: 'base64';
  /** SHA-256 (hex) of the template; null when the text was over the limit and only its size was kept. */
  readonly template: string | null;
  readonly holes: readonly string[];
  /** Of the body as it came. */
  readonly bytes: number;
}

export interface EffectiveConfig {
  readonly files: readonly EffectiveFile[];
  /** SHA-256 (hex) over names, types and bodies as received. */
  readonly digest: string;
  readonly at: Instant;
}

/** The facet that seldom changes. */
export interface AgentIdentity {
  readonly id: AgentId;
  /** Lower-case hex, 32 digits. */
  readonly instanceUid: string;
  readonly firstSeen: Instant;
  readonly identifying: Attributes;
  readonly nonIdentifying: Attributes;
  /** Labels set by operators; they win over the agent's attributes. */
  readonly operatorLabels: Labels;
  readonly capabilities: number;
  readonly admission: Admission;
  /** Hash (hex) of the components in the agent's build, and their ids by kind once reported. */
  readonly components: {
    readonly hash: string;
    readonly ids: Readonly<Record<string, readonly string[]>> | null;
  } | null;
  readonly group: { readonly name: string; readonly since: Instant } | null;
  readonly pin: Pin | null;
  /** When its own attributes took it out of its group of late, the latest last; there is none of most agents (I7). */
  readonly moves?: readonly Instant[];
}

/** A push to one agent; wins over its group until removed. */
export interface Pin {
  readonly configuration: string;
  readonly revision: number;
  readonly reason: string;
  readonly author: string;
  readonly at: Instant;
  readonly expires: Instant | null;
}

/** The facet of what the agent says. */
export interface AgentReport {
  readonly health: (Health & { readonly at: Instant }) | null;
  readonly reported: ReportedConfig | null;
  readonly effective: EffectiveConfig | null;
}

/** The facet of what was ever asked of the agent; what it should run now, and how far it has got, stands in its ledger. */
export interface Assignment {
  /** Grows by one with each change of what the agent should run; the ledger entry has that of its assignment. */
  readonly generation: number;
  /** Hashes this agent refused (I5): never offered to it again but by an explicit retry. */
  readonly refused: readonly Refusal[];
  /** What this agent was proven on, each hash once, newest last: what it can go back to (A.7). */
  readonly proven: readonly RevisionRef[];
  /** Another revision, sent for an earlier assignment and not named by the agent since: it may still come into force (I13). */
  readonly leftOnTheWay: Unanswered | null;
}

export interface Refusal extends Failure {
  readonly hash: string;
}

/** A send without an answer. The agent may have it queued `until` then, and as long as its connection `epoch` lasts (I13). */
export interface Unanswered {
  readonly hash: string;
  readonly epoch: string | null;
  readonly sentAt: Instant;
  readonly until: Instant;
}

export interface Agent {
  readonly identity: AgentIdentity;
  readonly report: AgentReport;
  readonly assignment: Assignment;
  /** What the agent should run, and how far it has got with it; null while nothing is desired. */
  readonly ledger: LedgerEntry | null;
}

/** What is true only while we hold (or just lost) a connection; never stored (S-253, P5). */
export interface Presence {
  readonly connected: boolean;
  readonly transport: 'websocket' | 'http' | null;
  /** The connection epoch: one WebSocket session, or over HTTP one boot of the agent. */
  readonly epoch: string | null;
  /** True when the agent's state is known without gaps on this epoch. */
  readonly synced: boolean;
  /** When a full state was last received on this epoch; null while none was. */
  readonly fullStateAt: Instant | null;
  readonly lastSeen: Instant | null;
  /** While it is away: since when; null as well of one not heard since our own start. */
  readonly disconnectedAt: Instant | null;
  /** When it went away of late, the latest last: as many as make it flapping. */
  readonly departures: readonly Instant[];
  /** It said goodbye (`agent_disconnect`): it went, and was not lost. */
  readonly left: boolean;
}

export const ABSENT: Presence = {
  connected: false,
  transport: null,
  epoch: null,
  synced: false,
  fullStateAt: null,
  lastSeen: null,
  disconnectedAt: null,
  departures: [],
  left: false,
};

/** With one more time at which something happened that is only of interest when it happens often. */
export const latest = (times: readonly Instant[], at: Instant, { times: most }: Frequency): readonly Instant[] =>
  [...times, at].slice(-most);

/** Whether that happened too often of late. */
export const isFrequent = (times: readonly Instant[], now: Instant, { times: most, within }: Frequency): boolean =>
  times.length >= most && now - (times.at(-most) ?? 0) < within;

/** It comes and goes: it is treated as one that is away where agents are chosen to be changed (A.7). */
export const isFlapping = ({ departures }: Presence, now: Instant): boolean =>
  isFrequent(departures, now, LIMITS.flapping);

export function can(identity: AgentIdentity, capability: CapabilityName): boolean {
  return (identity.capabilities & Capability[capability]) !== 0;
}

/** True when the agent has a way to show what it runs (A.5). */
export function isVerifiable(identity: AgentIdentity): boolean {
  return can(identity, 'ReportsRemoteConfig') || can(identity, 'ReportsEffectiveConfig');
}

/** How the agent refused that hash; undefined when it did not (I5). */
export function refusalOf({ assignment }: Agent, hash: string): Refusal | undefined {
  return assignment.refused.find((refusal) => refusal.hash === hash);
}

/** Whether a full state came on the present epoch, at that time or later. */
export function isKnownSince({ fullStateAt }: Presence, since: Instant): boolean {
  return fullStateAt !== null && fullStateAt >= since;
}

export function capabilityNames(capabilities: number): CapabilityName[] {
  return (Object.keys(Capability) as CapabilityName[]).filter((name) => (capabilities & Capability[name]) !== 0);
}

/** A record for an agent seen for the first time: nothing known, nothing wanted. */
export function newAgent(id: AgentId, instanceUid: string, now: Instant): Agent {
  return {
    identity: {
      id,
      instanceUid,
      firstSeen: now,
      identifying: {},
      nonIdentifying: {},
      operatorLabels: {},
      capabilities: 0,
      admission: 'open',
      components: null,
      group: null,
      pin: null,
    },
    report: { health: null, reported: null, effective: null },
    assignment: { generation: 0, refused: [], proven: [], leftOnTheWay: null },
    ledger: null,
  };
}
