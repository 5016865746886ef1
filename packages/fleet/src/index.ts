/** The pure domain of Flaghoist. No Node builtin, no clock, no randomness: it runs in server, CLI and browser. */
export * from './agents/agent.ts';
export { labelsOf, nameOf } from './agents/labels.ts';
export { matches, parseSelector, type Selector } from './agents/selector.ts';
export { checkText, sizeOf } from './collector/check.ts';
export { compareStructures, type Structure, type Understood, understand } from './collector/structure.ts';
export { fill, type Masked, TemplateBook } from './collector/templates.ts';
export type {
  ConfigFile,
  ConfigFiles,
  Configuration,
  Revision,
  RevisionRef,
} from './configurations/revision.ts';
export { assess, lacksNews } from './convergence/assess.ts';
export { assign, conflicted, retry, unassign, withLedger } from './convergence/assignment.ts';
export {
  type AssignmentSource,
  type EffectiveVerdict,
  extendDeadline,
  FAILURE_REASONS,
  type Failure,
  type FailureReason,
  IN_FLIGHT,
  type LedgerEntry,
  markSent,
  PHASES,
  type Phase,
  type Terms,
} from './convergence/ledger.ts';
export { decideOffer, type OfferDecision, type Withheld } from './convergence/pull-law.ts';
export {
  AGENT_STATES,
  type AgentState,
  type Standing,
  SYNCS,
  type Sync,
  standing,
} from './convergence/sync.ts';
export { FleetError, type FleetErrorCode, type Problem } from './errors.ts';
export { checkName, type Group, type Grouping, grouping, resolutionOrder } from './groups/group.ts';
export { LIMITS } from './limits.ts';
export { CATCH_UP_TERMS, type Lane, lane, needsCatchUp, runsAlready } from './rollouts/catch-up.ts';
export { isLate, planRollout, skipReason } from './rollouts/plan.ts';
export * from './rollouts/rollout.ts';
export {
  DEFAULT_STRATEGY,
  failureBound,
  inFlightBound,
  type Share,
  type Strategy,
  type StrategyOverrides,
  strategyNamed,
  withOverrides,
} from './rollouts/strategy.ts';
export {
  fold,
  freeSlots,
  inFlight,
  mayBeAdmitted,
  type RolloutCommand,
  type RolloutEvent,
  step,
} from './rollouts/transitions.ts';
export { formatDuration, type Instant, type Millis, parseDuration } from './time.ts';
