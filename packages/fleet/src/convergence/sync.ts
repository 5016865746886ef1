/** What people see of an agent: three independent facts (admission, connected, sync) and one derived label. */
import { type Admission, type Agent, can, isVerifiable, type Presence, refusalOf } from '../agents/agent.ts';
import { LIMITS } from '../limits.ts';
import { failedOn, isOpen, type LedgerEntry, type Phase } from './ledger.ts';

/** What is wrong is shown also while the agent is away. */
const WRONG = ['failed', 'rolled-back', 'unhealthy', 'drifted'] as const;
const NOT_WRONG = ['updating', 'unverifiable', 'unmanaged', 'in-sync'] as const;

export const SYNCS = [...WRONG, ...NOT_WRONG] as const;
export type Sync = (typeof SYNCS)[number];

/** Every state, in the order in which the first that holds becomes the label. */
export const AGENT_STATES = [
  ...(['awaiting-approval', 'quarantined', 'revoked'] as const satisfies readonly Admission[]),
  ...WRONG,
  'offline',
  ...NOT_WRONG,
] as const;
export type AgentState = (typeof AGENT_STATES)[number];

export interface Standing {
  readonly sync: Sync;
  readonly state: AgentState;
  /** One sentence for this agent. */
  readonly reason: string;
}

type Verdict = readonly [Sync, reason: string];

/** Where the agent stands towards what it should run, whether or not it is connected. */
function syncOf(agent: Agent): Verdict {
  const { identity, ledger } = agent;
  if (ledger === null && identity.group === null) return ['unmanaged', 'no group selects this agent'];
  if (!can(identity, 'AcceptsRemoteConfig'))
    return ['unverifiable', 'the agent does not accept remote configuration (AcceptsRemoteConfig)'];
  if (ledger === null) return ['unmanaged', `group ${identity.group?.name} has no revision for this agent yet`];
  const name = `${ledger.revision.configuration}@${ledger.revision.revision}`;
  const refused = refusedVerdict(agent, ledger.revision.hash, name);
  if (refused !== undefined) return refused;
  if (!isVerifiable(identity) && ledger.sentAt !== null) {
    const why = 'the agent reports neither a config status nor an effective config';
    return ['unverifiable', `${name} was sent; ${why}`];
  }
  if (ledger.phase === 'failed') return failedVerdict(ledger);
  const verdict: Verdict =
    ledger.phase === 'proven' ? provenVerdict(agent, ledger, name) : ['updating', UPDATING[ledger.phase](name)];
  return takenBack(ledger, verdict);
}

/** Whoever was taken back while others went on runs what it should, and is behind them for a reason (A.4). */
function takenBack(ledger: LedgerEntry, verdict: Verdict): Verdict {
  const failed = failedOn(ledger);
  const [sync, reason] = verdict;
  if (failed === undefined || (sync !== 'in-sync' && sync !== 'updating')) return verdict;
  const { configuration, revision } = failed.revision;
  return ['rolled-back', `taken back from ${configuration}@${revision}: ${failed.message || failed.reason}; ${reason}`];
}

function refusedVerdict(agent: Agent, desired: string, name: string): Verdict | undefined {
  const refusal = refusalOf(agent, desired);
  if (refusal === undefined) return undefined;
  const { reported } = agent.report;
  const wentBack = reported?.status === 'APPLIED' && reported.hash !== '' && reported.hash !== refusal.hash;
  if (wentBack) return ['rolled-back', `went back from ${name} by itself: ${refusal.message || refusal.reason}`];
  return ['failed', refusal.message || `refused ${name}`];
}

function failedVerdict({ failure }: LedgerEntry): Verdict {
  const reason = failure?.message || failure?.reason || 'no verdict';
  if (failure?.reason === 'effective-mismatch') return ['drifted', reason];
  if (failure?.reason === 'unhealthy' || failure?.reason === 'unchanged-unhealthy') return ['unhealthy', reason];
  return ['failed', reason];
}

function provenVerdict({ report: { health } }: Agent, { effective }: LedgerEntry, name: string): Verdict {
  if (health?.healthy === false) return ['unhealthy', health.lastError || `runs ${name} and is not healthy`];
  if (effective?.kind === 'contradicted') return ['drifted', effective.why];
  return ['in-sync', `runs ${name}, proven`];
}

const UPDATING: Readonly<Record<Exclude<Phase, 'proven' | 'failed'>, (name: string) => string>> = {
  offered: (name) => `${name} waits to be sent`,
  sent: (name) => `${name} was sent; no answer yet`,
  received: (name) => `has ${name}; no verdict yet`,
  applying: (name) => `is applying ${name}`,
  verifying: (name) => `says ${name} is applied; health and effective config are being checked`,
};

const { times, within } = LIMITS.wandering;
const NOT_ADMITTED: Readonly<Record<Exclude<Admission, 'open'>, string>> = {
  'awaiting-approval': 'waits for an operator to approve it; nothing is offered until then',
  quarantined: `left its group ${times} times within ${within / 60_000} min by its own attributes; nothing is offered until an operator approves it`,
  revoked: 'its credentials were revoked; nothing is offered',
};

/** The three facts and the derived label, with the reason in words. */
export function standing(agent: Agent, presence: Presence): Standing {
  const [sync, reason] = syncOf(agent);
  const { admission } = agent.identity;
  if (admission !== 'open') return { sync, state: admission, reason: NOT_ADMITTED[admission] };
  if (presence.connected || WRONG.some((wrong) => wrong === sync)) return { sync, state: sync, reason };
  return { sync, state: 'offline', reason: isOpen(agent.ledger) ? `not connected; ${reason}` : 'not connected' };
}
