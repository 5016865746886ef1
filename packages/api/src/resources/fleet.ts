import { z } from 'zod';
import { agentState } from './agents.ts';
import { count, time } from './values.ts';

const byState = z.partialRecord(agentState, count);

export const fleet = z
  .object({
    total: count,
    connected: count,
    groups: z.array(
      z.object({ name: z.string().nullable(), total: count, connected: count, states: byState }),
    ),
    states: byState,
    versions: z.record(z.string(), count),
    capabilities: z.record(z.string(), count),
    lastEvent: z
      .int()
      .meta({ description: 'Number of the last event that these counts contain: follow the stream from it' }),
  })
  .meta({ id: 'Fleet' });

export const journalEvent = z
  .object({
    seq: z.int(),
    at: time,
    kind: z.string().meta({ description: 'Such as `rollout.started`; new kinds may come' }),
    author: z.string(),
    subject: z.string().meta({ description: 'KIND/NAME', example: 'group/edge' }),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' });

export const eventFilter = z.object({
  after: z.coerce
    .number<number | string>()
    .int()
    .min(0)
    .optional()
    .meta({ description: 'Backfill from the event after this one; without it only new ones come' }),
});

export const version = z
  .object({ version: z.string(), api: z.literal('v1'), startedAt: time })
  .meta({ id: 'Version' });
