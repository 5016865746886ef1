/** A rollout as data, and what can be asked of it. What may happen to it is in `transitions.ts`; the rules are in SPEC.md beside this file. */
import type { AgentId } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import type { FailureReason } from '../convergence/ledger.ts';
import type { Instant } from '../time.ts';
import type { Bounds, StageName, Strategy } from './strategy.ts';
import type { Targets } from './targets.ts';

const ENDED = ['succeeded', 'rolled-back', 'rolled-back-partial', 'stopped-mixed', 'cancelled', 'superseded'] as const;
export const ROLLOUT_STATES = ['running', 'paused', 'baking', 'rolling-back', ...ENDED] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

export const TERMINAL: ReadonlySet<RolloutState> = new Set<RolloutState>(ENDED);

/** Why a rollout stands still until a person says how it goes on. */
export const PAUSE_REASONS = [
  'operator',
  'gate',
  'failures',
  'lost',
  'deferred',
  'threshold',
  'nothing-proven',
  'no-progress',
  'environment',
  'no-rollback-target',
  'sibling',
  'time-travel',
] as const;
export type PauseReason = (typeof PAUSE_REASONS)[number];

const OPEN_STATES = ['offered', 'sent', 'applying', 'verifying'] as const;
const REVERT_STATES = ['reverting', 'reverted', 'revert-unconfirmed'] as const;
const FAILED_STATES = ['failed', ...REVERT_STATES] as const;

/** A target that is not listed is pending. */
export const TARGET_STATES = [
  ...OPEN_STATES,
  'proven',
  'failed',
  'inconclusive',
  'deferred',
  'skipped',
  ...REVERT_STATES,
] as const;
export type TargetState = (typeof TARGET_STATES)[number];

/** Targets that count against `maxInFlight` (I1). */
export const OPEN: ReadonlySet<TargetState> = new Set(OPEN_STATES);

/** Targets that have, or may have, the revision: what a rollback takes back. */
const EXPOSED = ['sent', 'applying', 'verifying', 'proven', 'failed', 'inconclusive'] as const;

export const SKIP_REASONS = [
  'no-remote-config',
  'unverifiable',
  'pinned',
  'refused-before',
  'left-group',
  'not-admitted',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** Why a target is where it is, beside what the ledger says: away, never sent it, or nothing known that it could go back to. */
export const TARGET_REASONS = ['offline', 'not-sent', 'no-last-good'] as const;

export interface Target {
  readonly agent: AgentId;
  /** Position of its stage. */
  readonly stage: number;
  readonly state: TargetState;
  /** It came into the group after the start. */
  readonly late: boolean;
  readonly reason: FailureReason | SkipReason | (typeof TARGET_REASONS)[number] | null;
  /** The agent's own words, verbatim, where it gave any. */
  readonly message: string;
  readonly at: Instant;
}

/** How a target gets on, as the agents' ledger tells it. */
export interface Observation extends Pick<Target, 'agent' | 'reason' | 'message'> {
  readonly state: Exclude<TargetState, 'offered' | 'reverting'>;
}

export interface PlannedStage {
  readonly name: StageName;
  /** Agents in it at the start. */
  readonly planned: number;
  /** The highest rank in it; null for the canary, whose agents are listed, and for the last stage, which takes all others. */
  readonly upTo: string | null;
}

/** What is asked for when a rollout is started. */
export interface RolloutRequest {
  readonly id: string;
  readonly group: string;
  readonly target: RevisionRef;
  /** The group's stable revision when it started. */
  readonly from: RevisionRef | null;
  readonly strategy: Strategy;
  /** What the agents' ranks are made with (A.6). */
  readonly seed: string;
  readonly author: string;
  readonly message: string;
  /** The active rollout of the group that this one takes over from. */
  readonly supersedes: string | null;
  /** The push to several groups that this one is a part of. */
  readonly parent: string | null;
  /** The finished rollout that this one takes back (A.7): it is never taken back itself (I9). */
  readonly takesBack: string | null;
}

/** What a rollout is born with: its plan, frozen. Lists instead of sets, because it stands in the log as JSON. */
export interface RolloutHeader extends RolloutRequest, Bounds {
  /** Denominator of every share and budget (I4). */
  readonly planned: number;
  readonly stages: readonly PlannedStage[];
  readonly canary: readonly AgentId[];
  /** SHA-256 (hex) over the plan: who is in which stage, who is left out, the bounds. */
  readonly digest: string;
  readonly carried: readonly AgentId[];
  readonly skipped: readonly Observation[];
}

/** What was used up, over the whole rollout (I4); `unwell` are those of the failed that are so by their health alone. */
export interface Spent {
  readonly failed: number;
  readonly unwell: number;
  readonly lost: number;
}

export interface Rollout extends Omit<RolloutHeader, 'carried' | 'skipped'> {
  readonly createdAt: Instant;
  readonly endedAt: Instant | null;
  readonly state: RolloutState;
  /** Position of the open stage; one behind the last while it bakes. */
  readonly stage: number;
  /** The end of the present soak or bake; null while the stage has work left. */
  readonly watchedUntil: Instant | null;
  readonly lastProgress: Instant;
  readonly pause: { readonly reason: PauseReason; readonly message: string } | null;
  readonly rollback: {
    readonly message: string;
    /** When those who were ordered back last are given up, if they have not confirmed. */
    readonly deadline: Instant;
    /** False once somebody asked for all at once. */
    readonly bounded: boolean;
  } | null;
  /** The rollout that took over. */
  readonly supersededBy: string | null;
  readonly spent: Spent;
  /** What people accepted by resuming in spite of it. */
  readonly waived: {
    readonly failed: number;
    readonly lost: number;
    /** The stage that may leave more for later than `maxDeferred`, and the one whose success threshold was waived. */
    readonly deferred: number | null;
    readonly threshold: number | null;
    readonly sibling: boolean;
  };
  readonly targets: Targets<Target>;
  readonly counts: Readonly<Record<TargetState, number>>;
  /** Agents still in flight of the rollout that this one superseded; they count against `maxInFlight` (I1). */
  readonly carried: ReadonlySet<AgentId>;
  /** Number of events folded into this value. */
  readonly version: number;
}

/** Whom to send back, and to what: its own last good revision; null with the reason why not. */
export interface Revert extends Pick<Target, 'agent'> {
  readonly to: RevisionRef | null;
  readonly reason: 'no-last-good' | 'not-sent' | SkipReason | null;
}

/**
 * What happens to a rollout; its log. An admission is also the order to assign its target to those agents, a revert the
 * order to assign them what they go back to.
 */
export type RolloutEvent =
  | { readonly type: 'started'; readonly header: RolloutHeader }
  /** These agents may now be offered the revision (I7); `found` are those who have it by an order that a lost database gave (I14). */
  | {
      readonly type: 'admitted';
      readonly agents: readonly { readonly agent: AgentId; readonly late: boolean }[];
      readonly found?: true;
    }
  | { readonly type: 'observed'; readonly changes: readonly Observation[] }
  /** Everybody of the open stage who could be reached has an outcome; `deferred` are the others. It is watched from now on. */
  | { readonly type: 'soaking'; readonly deferred: readonly AgentId[] }
  /** The open stage has passed. */
  | { readonly type: 'advanced' }
  | { readonly type: 'paused'; readonly reason: PauseReason; readonly message: string }
  | { readonly type: 'resumed' }
  /** A gate, or the rest of a soak or of the bake, is skipped. */
  | { readonly type: 'promoted' }
  | { readonly type: 'succeeded' }
  | { readonly type: 'rollback-started'; readonly message: string }
  | { readonly type: 'reverting'; readonly agents: readonly Revert[] }
  /** The bound on those that look healthy is lifted. */
  | { readonly type: 'hurried' }
  /** Everybody is back or was given up. */
  | { readonly type: 'rolled-back' }
  | { readonly type: 'stopped'; readonly message: string }
  /** A person has these failed agents asked once more (I5). */
  | { readonly type: 'retried'; readonly agents: readonly AgentId[] }
  | { readonly type: 'superseded'; readonly by: string };

/** How many agents may be holding the revision, or that of a superseded rollout, without proof. */
export function inFlight(rollout: Pick<Rollout, 'carried' | 'counts'>): number {
  let open = rollout.carried.size;
  for (const state of OPEN) open += rollout.counts[state];
  return open;
}

/** How many agents have, or may have, the revision. */
export const exposed = ({ counts }: Pick<Rollout, 'counts'>): number =>
  EXPOSED.reduce((sum, state) => sum + counts[state], 0);

/**
 * How many targets have failed, those included that were taken back for it while the rollout goes on: until all are taken
 * back, nobody else is.
 */
export const failedSoFar = ({ counts }: Pick<Rollout, 'counts'>): number =>
  FAILED_STATES.reduce((sum, state) => sum + counts[state], 0);

export const hasFailed = ({ state }: Target): boolean => FAILED_STATES.some((one) => one === state);

/** Whether a person may have it asked once more: it failed, and is not on its way back. */
export const mayBeRetried = (target: Target | undefined): boolean =>
  target !== undefined && target.state !== 'reverting' && hasFailed(target);

/** How many ever were: those too that are back, or on their way. */
export const everExposed = (rollout: Pick<Rollout, 'counts'>): number =>
  exposed(rollout) + REVERT_STATES.reduce((sum, state) => sum + rollout.counts[state], 0);

export const isExposed = ({ state }: Target): boolean => EXPOSED.some((one) => one === state);

/** Whether the group ran another revision before, to which its agents can be taken back (I9). */
export const canGoBack = ({ from, target, takesBack }: Pick<Rollout, 'from' | 'target' | 'takesBack'>): boolean =>
  from !== null && from.hash !== target.hash && takesBack === null;

/** Why it cannot be taken back, where that is so. */
export const withoutWayBack = ({ takesBack }: Pick<Rollout, 'takesBack'>): string =>
  takesBack === null
    ? 'the group has no earlier revision to go back to'
    : `it is the way back from rollout ${takesBack}, whose revision is not brought out again`;

/** At most so many at once in the canary, whatever the strategy says (A.8, defaults). */
export const CANARY_IN_FLIGHT = 3;

export const isCanary = ({ stages, stage }: Pick<Rollout, 'stages' | 'stage'>): boolean =>
  stages[stage]?.name === 'canary';

/** Whether a person is to look before the next stage begins. */
export const isAtGate = ({ state, pause }: Pick<Rollout, 'state' | 'pause'>): boolean =>
  state === 'paused' && pause?.reason === 'gate';

/**
 * What the open stage bears, at a gate the one that has passed: the canary bears nothing, and who vanishes there has
 * failed (A.5).
 */
export function boundsNow(rollout: Rollout): Omit<Bounds, 'maxLost'> & { maxLost: number | null; threshold: number } {
  const { maxInFlight, maxFailed, maxLost, maxDeferred, strategy } = rollout;
  const { stages, stage } = rollout;
  if (!isCanary({ stages, stage: isAtGate(rollout) ? stage - 1 : stage }))
    return { maxInFlight, maxFailed, maxLost, maxDeferred, threshold: strategy.successThreshold };
  const few = Math.min(maxInFlight, CANARY_IN_FLIGHT);
  return { maxInFlight: few, maxFailed: 0, maxLost: null, maxDeferred, threshold: 100 };
}

/**
 * How many more agents may be admitted, also of those who are carried over and so have a place already: what comes after
 * a bad revision goes no faster to who had that (I1).
 */
export function freeOwnSlots(rollout: Rollout): number {
  return Math.max(0, boundsNow(rollout).maxInFlight - (inFlight(rollout) - rollout.carried.size));
}

/** How many more agents may be admitted now that have no place yet (I1). */
export function freeSlots(rollout: Rollout): number {
  return Math.max(0, boundsNow(rollout).maxInFlight - inFlight(rollout));
}

/** Nobody twice: an agent has one turn, but for those whom the offer never reached or who were skipped. */
export const mayBeAdmitted = ({ targets }: Pick<Rollout, 'targets'>, agent: AgentId): boolean => {
  const state = targets.get(agent)?.state;
  return state === undefined || state === 'deferred' || state === 'skipped';
};
