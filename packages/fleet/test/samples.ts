/** Agents, presences and revisions for tests, each with everything in order unless told otherwise. */

import {
  type Agent,
  type AgentIdentity,
  Capability,
  type Health,
  newAgent,
  type Presence,
  type RemoteConfigState,
} from '../src/agents/agent.ts';
import type { RevisionRef } from '../src/configurations/revision.ts';
import { openEntry } from '../src/convergence/entry.ts';
import type { AssignmentSource, LedgerEntry, Phase, Terms } from '../src/convergence/ledger.ts';

/** When the samples' story begins. */
export const T0 = 1_000_000;

export const ALL_CAPABILITIES = Object.values(Capability).reduce((sum, bit) => sum | bit, 0);

export const without = (...names: (keyof typeof Capability)[]): number =>
  names.reduce((bits, name) => bits & ~Capability[name], ALL_CAPABILITIES);

/** Revision `n` of configuration `edge`; its hash is readable. */
export const revision = (n: number): RevisionRef => ({
  configuration: 'edge',
  revision: n,
  hash: n.toString(16).padStart(64, '0'),
});
export const A = revision(10);
export const B = revision(11);
export const C = revision(12);

export const TERMS: Terms = {
  deliveryTimeout: 30_000,
  applyTimeout: 120_000,
  minHealthyTime: 60_000,
  requireEffective: 'ifReported',
};
export const QUICK: Terms = { ...TERMS, minHealthyTime: 0 };

export const ROLLOUT: AssignmentSource = { kind: 'rollout', rollout: 'r-1' };

export function presence(over: Partial<Presence> = {}): Presence {
  return {
    connected: true,
    transport: 'websocket',
    epoch: 'e1',
    synced: true,
    fullStateAt: T0,
    lastSeen: T0,
    disconnectedAt: null,
    departures: [],
    left: false,
    ...over,
  };
}

export function health(healthy: boolean, at: number, lastError = ''): Health & { at: number } {
  return {
    healthy,
    status: healthy ? 'StatusOK' : 'StatusRecoverableError',
    lastError,
    startTimeUnixNano: '0',
    statusTimeUnixNano: '0',
    attributes: {},
    components: {},
    at,
  };
}

export function reported(ref: RevisionRef | null, status: RemoteConfigState, at: number, errorMessage = '') {
  return { hash: ref?.hash ?? '', status, errorMessage, at };
}

/** A connected, capable, healthy member of group `edge` that runs revision A and is asked for nothing. */
export function agent(id = 'a-1', over: Partial<AgentIdentity> = {}): Agent {
  const fresh = newAgent(id, '0198'.padEnd(32, '0'), T0);
  return {
    ...fresh,
    identity: {
      ...fresh.identity,
      capabilities: ALL_CAPABILITIES,
      group: { name: 'edge', since: T0 },
      ...over,
    },
    report: { health: health(true, T0), reported: reported(A, 'APPLIED', T0), effective: null },
  };
}

/** An entry for revision B in that phase, as it looks when everything went as usual: sent at T0 on epoch e1. */
export function entry(phase: Phase, over: Partial<LedgerEntry> = {}): LedgerEntry {
  const reached = ['offered', 'sent', 'received', 'applying', 'verifying', 'proven'].indexOf(phase);
  const sent = phase !== 'offered';
  return {
    ...openEntry({ revision: B, source: ROLLOUT, generation: 1, terms: TERMS, offeredAt: T0 - 10, baseline: null }),
    phase,
    sentAt: sent ? T0 : null,
    sentEpoch: sent ? 'e1' : null,
    sends: sent ? 1 : 0,
    receivedAt: reached >= 2 ? T0 + 1 : null,
    applyingAt: reached >= 3 ? T0 + 1 : null,
    appliedAt: reached >= 4 ? T0 + 5_000 : null,
    healthySince: reached >= 4 ? T0 + 5_000 : null,
    provenAt: reached >= 5 ? T0 + 65_000 : null,
    deadline: phase === 'offered' || phase === 'proven' || phase === 'failed' ? null : T0 + 120_000,
    failure: phase === 'failed' ? { reason: 'agent-failed', message: 'exit code 1', at: T0 + 3 } : null,
    ...over,
  };
}

/** The sample agent, asked to run B, with that entry and whatever it reported. */
export function assigned(ledger: LedgerEntry, report: Partial<Agent['report']> = {}, capabilities?: number): Agent {
  const base = agent('a-1', capabilities === undefined ? {} : { capabilities });
  const failure = ledger.failure;
  const refused =
    failure !== null && ['agent-failed', 'agent-reverted', 'restart-loop'].includes(failure.reason)
      ? [{ hash: ledger.revision.hash, ...failure }]
      : [];
  return {
    ...base,
    report: { ...base.report, ...report },
    assignment: { generation: ledger.generation, refused, proven: [], leftOnTheWay: null },
    ledger,
  };
}
