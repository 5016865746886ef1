/** What people see of an agent: three independent facts (admission, connected, sync) and one derived label. */
import { type Admission, type Agent, can, isVerifiable, type Presence } from '../agents/agent.ts';
import { type Failure, IN_FLIGHT, type Phase } from './ledger.ts';

export const SYNCS = [
  'unmanaged',
  'in-sync',
  'updating',
  'failed',
  'rolled-back',
  'unhealthy',
  'drifted',
  'unverifiable',
] as const;
export type Sync = (typeof SYNCS)[number];

/** Every state, in the order in which the first that holds becomes the label. */
export const AGENT_STATES = [
  'awaiting-approval',
  'quarantined',
  'revoked',
  'failed',
  'rolled-back',
  'unhealthy',
  'drifted',
  'offline',
  'updating',
  'unverifiable',
  'unmanaged',
  'in-sync',
] as const satisfies readonly (Admission | Sync | 'offline')[];
export type AgentState = (typeof AGENT_STATES)[number];

export interface Standing {
  readonly sync: Sync;
  readonly state: AgentState;
  /** One sentence for this agent. */
  readonly reason: string;
}

type Verdict = Pick<Standing, 'sync' | 'reason'>;

/** Where the agent stands towards what it should run, whether or not it is connected. */
function syncOf(agent: Agent): Verdict {
  const { identity, assignment, ledger: entry } = agent;
  const { desired } = assignment;
  if (desired === null && identity.group === null) return { sync: 'unmanaged', reason: 'no group selects this agent' };
  if (!can(identity, 'AcceptsRemoteConfig')) {
    return {
      sync: 'unverifiable',
      reason: 'the agent does not accept remote configuration (AcceptsRemoteConfig)',
    };
  }
  if (desired === null || entry === null) {
    return { sync: 'unmanaged', reason: `group ${identity.group?.name} has no revision for this agent yet` };
  }
  const name = `${desired.configuration}@${desired.revision}`;
  const refused = refusedVerdict(agent, name);
  if (refused !== undefined) return refused;
  if (!isVerifiable(identity) && entry.sentAt !== null) {
    return {
      sync: 'unverifiable',
      reason: `${name} was sent; the agent reports neither a config status nor an effective config`,
    };
  }
  if (entry.phase === 'failed') return failedVerdict(entry.failure);
  if (entry.phase === 'proven') return provenNow(agent, name);
  return { sync: 'updating', reason: UPDATING[entry.phase](name) };
}

function refusedVerdict({ assignment, report }: Agent, name: string): Verdict | undefined {
  const refusal = assignment.refused.find(({ hash }) => hash === assignment.desired?.hash);
  if (refusal === undefined) return undefined;
  const { reported } = report;
  const wentBack = reported?.status === 'APPLIED' && reported.hash !== '' && reported.hash !== refusal.hash;
  return wentBack
    ? {
        sync: 'rolled-back',
        reason: `went back from ${name} by itself: ${refusal.message || refusal.reason}`,
      }
    : { sync: 'failed', reason: refusal.message || `refused ${name}` };
}

function failedVerdict(failure: Failure | null): Verdict {
  const reason = failure?.message || failure?.reason || 'no verdict';
  if (failure?.reason === 'effective-mismatch') return { sync: 'drifted', reason };
  if (failure?.reason === 'unhealthy') return { sync: 'unhealthy', reason };
  return { sync: 'failed', reason };
}

function provenNow({ report, ledger }: Agent, name: string): Verdict {
  if (report.health !== null && !report.health.healthy) {
    return { sync: 'unhealthy', reason: report.health.lastError || `runs ${name} and is not healthy` };
  }
  if (ledger?.effective?.kind === 'contradicted') return { sync: 'drifted', reason: ledger.effective.why };
  return { sync: 'in-sync', reason: `runs ${name}, proven` };
}

const UPDATING: Readonly<Record<Exclude<Phase, 'proven' | 'failed'>, (name: string) => string>> = {
  offered: (name) => `${name} waits to be sent`,
  sent: (name) => `${name} was sent; no answer yet`,
  received: (name) => `has ${name}; no verdict yet`,
  applying: (name) => `is applying ${name}`,
  verifying: (name) => `says ${name} is applied; health and effective config are being checked`,
};

const NOT_ADMITTED: Readonly<Record<Exclude<Admission, 'open'>, string>> = {
  'awaiting-approval': 'waits for an operator to approve it; nothing is offered until then',
  quarantined: 'is in quarantine; nothing is offered until an operator releases it',
  revoked: 'its credentials were revoked; nothing is offered',
};

/** The three facts and the derived label, with the reason in words. */
export function standing(agent: Agent, presence: Presence): Standing {
  const { sync, reason } = syncOf(agent);
  const { admission } = agent.identity;
  if (admission !== 'open') return { sync, state: admission, reason: NOT_ADMITTED[admission] };
  const outweighsOffline = sync === 'failed' || sync === 'rolled-back' || sync === 'unhealthy' || sync === 'drifted';
  if (!presence.connected && !outweighsOffline) return { sync, state: 'offline', reason: offlineReason(agent, reason) };
  return { sync, state: sync, reason };
}

function offlineReason(agent: Agent, reason: string): string {
  const open = agent.ledger !== null && IN_FLIGHT.has(agent.ledger.phase);
  return open ? `not connected; ${reason}` : 'not connected';
}
