import type { Share } from '@flaghoist/fleet';
import { FAILURE_REASONS, PAUSE_REASONS, ROLLOUT_STATES, SKIP_REASONS, TARGET_STATES } from '@flaghoist/fleet';
import { z } from 'zod';
import { failureReason, steps } from './agents.ts';
import * as v from './values.ts';

const isSomebody = (share: Share) => !('count' in share) || share.count >= 1;
const settings = {
  maxInFlight: v.share
    .refine(isSomebody, 'at least 1 agent')
    .describe('Agents that may hold the revision without proof at one time'),
  maxFailed: v.share.describe('Failures over the whole rollout; one more pauses it'),
  applyTimeout: v.duration.refine((millis) => millis >= 1, 'at least 1ms'),
  minHealthyTime: v.duration,
  requireEffective: z.enum(['never', 'ifReported', 'always']),
};
const strategy = v.object('Strategy', { name: z.string(), ...settings });

export const rolloutRequest = z
  .strictObject({
    group: v.objectName.optional(),
    fleet: z.literal(true).optional().describe('Every group that runs the configuration'),
    configuration: v.objectName,
    revision: v.revisionNumber,
    strategy: z.string().optional(),
    overrides: z.strictObject(settings).partial().meta({ id: 'StrategyOverrides' }).optional(),
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
  planned: v.count.describe('Agents in the group at the start; shares and budgets are of these'),
  maxInFlight: v.count,
  maxFailed: v.count,
  state: rolloutState,
  pause: z.object({ reason: z.enum(PAUSE_REASONS), message: z.string() }).nullable(),
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
  late: z.boolean(),
  reason: z.enum([...FAILURE_REASONS, ...SKIP_REASONS, 'offline']).nullable(),
  message: z.string(),
  at: v.time.nullable(),
  offeredAt: v.time.nullable(),
  ...steps,
});

const data = z.record(z.string(), z.unknown());
export const rolloutEvent = v.object('RolloutEvent', { seq: z.int(), at: v.time, kind: z.string(), data });

export const rolloutFilter = { group: z.string().optional(), state: rolloutState.optional() };
export const targetFilter = { state: targetState.optional() };
export const startedRollouts = z.object({ rollouts: z.array(rollout) });
