import { TARGET_STATES } from '@flaghoist/fleet';
import { z } from 'zod';
import { failureReason } from './agents.ts';
import {
  author,
  count,
  duration,
  objectName,
  paging,
  revisionNumber,
  revisionRef,
  share,
  text,
  time,
} from './values.ts';

const requireEffective = z.enum(['never', 'ifReported', 'always']);

export const strategy = z
  .object({
    name: z.string(),
    maxInFlight: share.meta({ description: 'Agents that may hold the revision without proof at one time' }),
    maxFailed: share.meta({ description: 'Failures over the whole rollout; one more pauses it' }),
    applyTimeout: duration,
    minHealthyTime: duration,
    requireEffective,
  })
  .meta({ id: 'Strategy' });

const strategyOverrides = z
  .strictObject({
    maxInFlight: share.optional(),
    maxFailed: share.optional(),
    applyTimeout: duration.optional(),
    minHealthyTime: duration.optional(),
    requireEffective: requireEffective.optional(),
  })
  .meta({ id: 'StrategyOverrides' });

export const rolloutRequest = z
  .strictObject({
    group: objectName.optional(),
    fleet: z.literal(true).optional().meta({ description: 'Every group that runs the configuration' }),
    configuration: objectName,
    revision: revisionNumber,
    strategy: z.string().optional(),
    overrides: strategyOverrides.optional(),
    supersede: z
      .boolean()
      .default(false)
      .meta({ description: 'Take over from a rollout of the group that is not finished' }),
    author: author.optional(),
    message: text,
  })
  .refine(
    (request) => (request.group === undefined) !== (request.fleet === undefined),
    'give either group or fleet: true',
  )
  .meta({ id: 'RolloutRequest' });

const rolloutState = z.enum(['running', 'paused', 'succeeded', 'superseded']).meta({ id: 'RolloutState' });
const targetState = z.enum(['pending', ...TARGET_STATES]).meta({ id: 'TargetState' });
const targetReason = z.union([
  failureReason,
  z.enum(['no-remote-config', 'unverifiable', 'pinned', 'refused-before', 'left-group', 'not-admitted']),
  z.literal('offline'),
]);

export const rollout = z
  .object({
    id: z.string(),
    group: z.string(),
    target: revisionRef,
    from: revisionRef.nullable().meta({ description: 'The stable revision of the group when it started' }),
    strategy,
    planned: count.meta({ description: 'Agents in the group at the start; shares and budgets are of these' }),
    maxInFlight: count,
    maxFailed: count,
    state: rolloutState,
    pause: z.object({ reason: z.enum(['failures', 'nothing-proven']), message: z.string() }).nullable(),
    counts: z.record(targetState, count),
    inFlight: count,
    author: z.string(),
    message: z.string(),
    createdAt: time,
    endedAt: time.nullable(),
    supersedes: z.string().nullable(),
    supersededBy: z.string().nullable(),
  })
  .meta({ id: 'Rollout' });

export const rolloutDetail = rollout
  .extend({
    failures: z
      .array(
        z.object({
          reason: failureReason,
          message: z.string(),
          count,
          examples: z.array(z.object({ agent: z.string(), name: z.string() })),
        }),
      )
      .meta({ description: 'Grouped by reason and message, most frequent first' }),
    eta: time.nullable().meta({ description: 'Null while it cannot be told' }),
    stragglers: z.array(
      z.object({
        agent: z.string(),
        name: z.string(),
        state: targetState,
        why: z.string(),
        since: time.nullable(),
      }),
    ),
  })
  .meta({ id: 'RolloutDetail' });

export const target = z
  .object({
    agent: z.string(),
    name: z.string(),
    state: targetState,
    late: z.boolean(),
    reason: targetReason.nullable(),
    message: z.string(),
    at: time.nullable(),
    offeredAt: time.nullable(),
    sentAt: time.nullable(),
    appliedAt: time.nullable(),
    provenAt: time.nullable(),
    failedAt: time.nullable(),
  })
  .meta({ id: 'RolloutTarget' });

export const rolloutEvent = z
  .object({ seq: z.int(), at: time, kind: z.string(), data: z.record(z.string(), z.unknown()) })
  .meta({ id: 'RolloutEvent' });

export const rolloutFilter = z.object({
  group: z.string().optional(),
  state: rolloutState.optional(),
  ...paging,
});
export const targetFilter = z.object({ state: targetState.optional(), ...paging });
export const startedRollouts = z.object({ rollouts: z.array(rollout) });
