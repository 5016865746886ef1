import type { Share, StageName } from '@flaghoist/fleet';
import {
  FAILURE_REASONS,
  GATES,
  PAUSE_REASONS,
  ROLLOUT_STATES,
  SEVERITIES,
  SKIP_REASONS,
  TARGET_REASONS,
  TARGET_STATES,
} from '@flaghoist/fleet';
import { z } from 'zod';
import { API_LIMITS } from '../limits.ts';
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
  deliveryTimeout: v.duration
    .refine((millis) => millis >= 1, 'at least 1ms')
    .describe('From its turn to the send; over HTTP at least 90s'),
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

/** Where a rollout goes, to which revision, and how. */
const course = {
  group: v.objectName.optional(),
  fleet: z.literal(true).optional().describe('Every group that runs the configuration'),
  configuration: v.objectName,
  revision: v.revisionNumber,
  strategy: z.string().optional().describe("By name; else the group's"),
  overrides: strategyOverrides.optional(),
};
const isOneWay = ({ group, fleet }: { readonly group?: string | undefined; readonly fleet?: true | undefined }) =>
  (group === undefined) !== (fleet === undefined);
const ONE_WAY = { error: 'give either group or fleet: true' };

export const planRequest = z.strictObject(course).refine(isOneWay, ONE_WAY).meta({ id: 'PlanRequest' });

const shownPlan = z.strictObject({ group: v.objectName, seed: z.string().min(1).max(64), digest: v.hash });

export const rolloutRequest = z
  .strictObject({
    ...course,
    plan: z
      .array(shownPlan)
      .max(API_LIMITS.pageSizeMost)
      .optional()
      .describe('Start what these plans showed, or nothing'),
    confirm: z.array(z.enum(GATES)).optional().describe('Gates whose findings were seen and are meant'),
    supersede: z.boolean().default(false).describe('Take over from a rollout of the group that is not finished'),
    author: v.author,
    message: v.text,
  })
  .refine(isOneWay, ONE_WAY)
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
  takesBack: z.string().nullable().describe('The finished rollout that it is the way back from'),
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

const plan = v.object(
  'Plan',
  {
    group: z.string(),
    target: v.revisionRef,
    from: v.revisionRef
      .nullable()
      .describe('What agents go back to that were proven on nothing newer; null: a trip pauses'),
    strategy,
    seed: z.string(),
    digest: z.string().describe('Of all that is shown here; with the seed it makes a start run this or nothing'),
    planned: v.count,
    maxInFlight: v.count,
    maxFailed: v.count,
    maxLost: v.count,
    maxDeferred: v.count,
    stages: z.array(
      z.object({
        name: stageName,
        planned: v.count,
        soak: v.duration,
        gate: z.boolean().describe('A person promotes'),
      }),
    ),
    bake: v.duration,
    least: v.duration.describe('With agents that need no time of their own, and without gates'),
    canary: examples,
    strata: z
      .array(z.object({ name: z.string(), agents: v.count, canary: v.count }))
      .describe('Agents that are alike; none of a stratum without canary is tried before the second stage'),
    skipped: z.array(z.object({ reason: z.enum(SKIP_REASONS), count: v.count, examples })),
    supersedes: z.string().nullable(),
    findings: z.array(
      z.object({ gate: z.enum(GATES), severity: z.enum(SEVERITIES), message: z.string(), count: v.count, examples }),
    ),
  },
  'What a rollout would do; nothing changes',
);
export const plans = z.object({ plans: z.array(plan) });
const failure = z.object({ reason: failureReason, message: z.string(), count: v.count, examples });

const straggler = z.object({ ...agent, state: targetState, since: v.time, reason: z.string() });
const detail = {
  ...rollout.shape,
  stages: z.array(z.object({ name: stageName, planned: v.count, counts: z.record(targetState, v.count) })),
  failures: z.array(failure).describe('Grouped by reason and message, most frequent first, those taken back included'),
  stragglers: z.array(straggler).describe('Who is on the way longest, and what it waits for'),
  eta: v.time.nullable().describe('With soaks and bake; null while it cannot be told, as before a gate'),
};
const rolloutPart = v.object('RolloutPart', detail);

/** A push to several groups is one parent: what its rollouts have in common, their sums, and each of them. */
export const rolloutDetail = v.object('RolloutDetail', {
  ...detail,
  group: z.string().nullable().describe('Null for a push to several groups'),
  strategy: strategy.nullable().describe('Null for a push to several groups: each rollout has its own'),
  children: z.array(rolloutPart).describe('The rollouts of a push to several groups'),
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
const seen = v.object(
  'SeenRollout',
  { rollout: z.string(), state: rolloutState, stage: v.count, reason: z.enum(PAUSE_REASONS).nullable() },
  'How a rollout stood when a person looked at it; `reason` is that of its pause',
);
export const goOnRequest = v.request('GoOnRequest', {
  seen: z
    .array(seen)
    .max(API_LIMITS.pageSizeMost)
    .optional()
    .describe('What was looked at: a rollout that has moved on since, or is not among these, is left alone (409)'),
  ...author,
});

export const rolloutFilter = {
  group: z.string().optional(),
  state: rolloutState.optional(),
  parent: z.string().optional(),
};
export const targetFilter = { state: targetState.optional() };
export const logFilter = {
  kind: z.enum(['decisions']).optional().describe('Without who was admitted, how each got on and who goes back'),
};
export const startedRollouts = z.object({ rollouts: z.array(rollout) });
/** One, or all of a push to several groups; after a rollback of a finished one the rollout that takes it back. */
export const changedRollouts = z.object({ rollouts: z.array(rollout) });
