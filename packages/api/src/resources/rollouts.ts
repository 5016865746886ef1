import type { Share, StageName } from '@flaghoist/fleet';
import {
  FAILURE_REASONS,
  PAUSE_REASONS,
  ROLLOUT_STATES,
  SKIP_REASONS,
  TARGET_REASONS,
  TARGET_STATES,
} from '@flaghoist/fleet';
import { z } from 'zod';
import { failureReason, steps } from './agents.ts';
import * as v from './values.ts';

const isSomebody = (share: Share) => !('count' in share) || share.count >= 1;
const stageName = z
  .custom<StageName>(
    (name) => typeof name === 'string' && /^(canary|(100|\d{1,2}(\.\d+)?)%)$/.test(name),
    'canary, or a share such as 25%',
  )
  .meta({ id: 'StageName', type: 'string', description: 'The canary, or everybody up to a share: `25%`' });
const canary = {
  size: v.share,
  min: v.count,
  max: v.count,
  selector: v.selector.describe('Who may be in the canary; empty for anybody'),
};
const soak = { canary: v.duration, stage: v.duration };
const plain = {
  stages: z.array(stageName),
  maxInFlight: v.share
    .refine(isSomebody, 'at least 1 agent')
    .describe('Agents that may hold the revision without proof at one time'),
  maxFailed: v.share.describe('Failures over the whole rollout; one more trips it, and the first in the canary'),
  maxLost: v.share.describe('Agents that vanish after the offer; one more pauses it'),
  maxDeferred: v.share.describe('Agents that cannot be reached in their stage; one more pauses it'),
  successThreshold: z.number().min(0).max(100).describe('Percent of a stage that must be proven; all of the canary'),
  applyTimeout: v.duration.refine((millis) => millis >= 1, 'at least 1ms'),
  minHealthyTime: v.duration,
  requireEffective: z.enum(['never', 'ifReported', 'always']),
  progressDeadline: v.duration,
  revertTimeout: v.duration,
  bake: v.duration,
  gates: z.array(z.object({ after: stageName, type: z.literal('manual') })),
  onFailure: z.enum(['rollback', 'pause']),
};
/** All settings of a strategy. */
export const strategy = v.object('Strategy', {
  name: z.string(),
  ...plain,
  canary: z.object(canary),
  soak: z.object(soak),
});
/** Some settings, over those of a strategy. */
export const strategyOverrides = z
  .strictObject({ ...plain, canary: z.strictObject(canary).partial(), soak: z.strictObject(soak).partial() })
  .partial()
  .meta({ id: 'StrategyOverrides' });

export const rolloutRequest = z
  .strictObject({
    group: v.objectName.optional(),
    fleet: z.literal(true).optional().describe('Every group that runs the configuration'),
    configuration: v.objectName,
    revision: v.revisionNumber,
    strategy: z.string().optional(),
    overrides: strategyOverrides.optional(),
    supersede: z.boolean().default(false).describe('Take over from a rollout of the group that is not finished'),
    author: v.author,
    message: v.text,
  })
  .refine(({ group, fleet }) => (group === undefined) !== (fleet === undefined), {
    error: 'give either group or fleet: true',
  })
  .meta({ id: 'RolloutRequest' });

const rolloutState = z.enum(ROLLOUT_STATES).meta({ id: 'RolloutState' });
const targetState = z.enum(['pending', ...TARGET_STATES]).meta({ id: 'TargetState' });

export const rollout = v.object('Rollout', {
  id: z.string(),
  group: z.string(),
  target: v.revisionRef,
  from: v.revisionRef.nullable().describe('The stable revision of the group when it started'),
  strategy,
  parent: z.string().nullable().describe('The push to several groups that it is a part of'),
  stage: v.count.describe('Position of the open stage; behind the last one while it bakes'),
  stages: z.array(z.object({ name: stageName, planned: v.count })),
  watchedUntil: v.time.nullable().describe('The end of the present soak or bake'),
  digest: z.string().describe('Of the plan that it follows'),
  planned: v.count.describe('Agents in the group at the start; shares and budgets are of these'),
  maxInFlight: v.count,
  maxFailed: v.count,
  maxLost: v.count,
  maxDeferred: v.count,
  spent: z.object({ failed: v.count, unwell: v.count, lost: v.count }).describe('Failures so far; they never shrink'),
  state: rolloutState,
  pause: z.object({ reason: z.enum(PAUSE_REASONS), message: z.string() }).nullable(),
  rollback: z.object({ message: z.string(), deadline: v.time, bounded: z.boolean() }).nullable(),
  counts: z.record(targetState, v.count),
  inFlight: v.count,
  author: z.string(),
  message: z.string(),
  createdAt: v.time,
  endedAt: v.time.nullable(),
  supersedes: z.string().nullable(),
  supersededBy: z.string().nullable(),
});

const agent = { agent: z.string(), name: z.string() };
const examples = z.array(z.object(agent));
const failure = z.object({ reason: failureReason, message: z.string(), count: v.count, examples });

export const rolloutDetail = v.object('RolloutDetail', {
  ...rollout.shape,
  failures: z.array(failure).describe('Grouped by reason and message, most frequent first'),
  eta: v.time.nullable().describe('Null while it cannot be told'),
});

export const target = v.object('RolloutTarget', {
  ...agent,
  state: targetState,
  stage: v.count.nullable().describe('Position of the stage in which it had its turn'),
  late: z.boolean(),
  reason: z.enum([...FAILURE_REASONS, ...SKIP_REASONS, ...TARGET_REASONS]).nullable(),
  message: z.string(),
  at: v.time.nullable(),
  offeredAt: v.time.nullable(),
  ...steps,
});

const data = z.record(z.string(), z.unknown());
export const rolloutEvent = v.object('RolloutEvent', {
  seq: z.int(),
  at: v.time,
  kind: z.string(),
  author: z.string(),
  data,
});

/** What people ask of a rollout, each with who asks. */
const author = { author: v.author };
export const pauseRequest = v.request('PauseRequest', { message: v.text.default(''), ...author });
export const rollbackRequest = v.request('RollbackRequest', {
  message: v.text.default(''),
  atOnce: z.boolean().default(false).describe('Also those that look healthy, all at a time'),
  ...author,
});
export const stopRequest = v.request('StopRequest', {
  message: v.text.min(1).describe('Why'),
  leaveMixed: z.boolean().default(false).describe('Leave the new revision with those who have it'),
  ...author,
});
export const retryRequest = v.request('RetryRequest', {
  agents: z.array(z.string()).min(1).describe('Failed agents of the rollout: our ids, or instance UIDs'),
  ...author,
});
export const goOnRequest = v.request('GoOnRequest', author);

export const rolloutFilter = {
  group: z.string().optional(),
  state: rolloutState.optional(),
  parent: z.string().optional(),
};
export const targetFilter = { state: targetState.optional() };
export const startedRollouts = z.object({ rollouts: z.array(rollout) });
/** One, or all of a push to several groups; after a rollback of a finished one the rollout that takes it back. */
export const changedRollouts = startedRollouts;
