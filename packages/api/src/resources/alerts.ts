import { ALERT_KINDS } from '@flaghoist/fleet';
import { z } from 'zod';
import * as v from './values.ts';

const alertKind = z.enum(ALERT_KINDS).meta({ id: 'AlertKind' });
const alertState = z.enum(['active', 'resolved']).meta({ id: 'AlertState' });

const cause = z.object({
  reason: z.string(),
  message: z.string().describe("In the agents' own words where they gave any"),
  count: v.count,
  examples: z.array(z.object({ agent: z.string(), name: z.string() })),
});

export const alert = v.object('Alert', {
  id: z.string(),
  kind: alertKind,
  state: alertState,
  group: z.string().nullable(),
  rollout: z.string().nullable(),
  revision: v.revisionRef.nullable().describe('What the agents were to run'),
  count: v.count.describe('Agents concerned since it was raised'),
  remaining: v.count.describe('Agents that still are'),
  causes: z.array(cause).describe('Grouped by reason and message, most frequent first'),
  summary: z.string(),
  raisedAt: v.time,
  updatedAt: v.time,
  resolvedAt: v.time.nullable(),
});

export const alertFilter = {
  state: alertState.optional(),
  kind: alertKind.optional(),
  group: z.string().optional(),
  rollout: z.string().optional(),
};
