/** The pure domain of Flaghoist. No Node builtin, no clock, no randomness: it runs in server, CLI and browser. */
export * from './agents/agent.ts';
export * from './agents/labels.ts';
export * from './agents/selector.ts';
export { approved, described } from './agents/wandering.ts';
export * from './alerts/alert.ts';
export { type Complaint, complaintOf, isLost, rolloutComplaint } from './alerts/complaint.ts';
export { newsOf } from './alerts/news.ts';
export { Tally } from './alerts/tally.ts';
export * from './alerts/webhook.ts';
export { checkText, sizeOf } from './collector/check.ts';
export { compareStructures, type Structure, type Understood, understand } from './collector/structure.ts';
export { fill, TemplateBook } from './collector/templates.ts';
export type * from './configurations/revision.ts';
export { assess, lacksNews } from './convergence/assess.ts';
export {
  assign,
  behindNobody,
  conflicted,
  forgiving,
  isStillApplying,
  lastGood,
  pin,
  retriable,
  retry,
  STILL_APPLYING,
  unassign,
  unpin,
  withLedger,
} from './convergence/assignment.ts';
export { keepingConnection, mustReconnect } from './convergence/crossing.ts';
export { extendDeadline, markSent, withoutAbsence } from './convergence/entry.ts';
export * from './convergence/ledger.ts';
export { decideOffer } from './convergence/pull-law.ts';
export { regression } from './convergence/regression.ts';
export { awaitsTime, isDue, settle } from './convergence/settle.ts';
export * from './convergence/sync.ts';
export { isOutlived, unassignedHash } from './convergence/time-travel.ts';
export * from './errors.ts';
export * from './groups/group.ts';
export { refuseUnstaged } from './groups/moves.ts';
export * from './limits.ts';
export * from './rollouts/catch-up.ts';
export { controlGroup } from './rollouts/control-group.ts';
export { decide } from './rollouts/decide.ts';
export { byNeed, familyRoom, hasTripped, placesHeldBy } from './rollouts/family.ts';
export { etaOf, leastDuration } from './rollouts/forecast.ts';
export { isGated } from './rollouts/gates.ts';
export { observation } from './rollouts/observation.ts';
export * from './rollouts/own-strategy.ts';
export {
  type Digest,
  isCandidate,
  isIll,
  type Plan,
  planRollout,
  type Rank,
  type Stratum,
  skipReason,
  stageOf,
} from './rollouts/plan.ts';
export * from './rollouts/preflight.ts';
export * from './rollouts/rollout.ts';
export { checkSeen, type Seen } from './rollouts/seen.ts';
export { waitsFor } from './rollouts/straggler.ts';
export * from './rollouts/strategy.ts';
export type { Surroundings } from './rollouts/surroundings.ts';
export { fold, step } from './rollouts/transitions.ts';
export { eventOf, type Verb } from './rollouts/verbs.ts';
export * from './time.ts';
