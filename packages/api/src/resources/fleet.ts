import { z } from 'zod';
import { agentState } from './agents.ts';
import * as v from './values.ts';

const counts = { total: v.count, connected: v.count, states: z.partialRecord(agentState, v.count) };

export const fleet = v.object('Fleet', {
  ...counts,
  groups: z.array(z.object({ name: z.string().nullable(), ...counts })),
  versions: z.record(z.string(), v.count),
  capabilities: z.record(z.string(), v.count),
  alerts: v.count.describe('Active alerts'),
  lastEvent: z.int().describe('Number of the last event that these counts contain: follow the stream from it'),
});

export const journalEvent = v.object('Event', {
  seq: z.int(),
  at: v.time,
  kind: z.string().describe('Such as `rollout.started`; new kinds may come'),
  author: z.string(),
  subject: z.string().meta({ description: 'KIND/NAME', example: 'group/edge' }),
  data: z.record(z.string(), z.unknown()),
});

export const eventFilter = {
  after: v.numeral.min(0).optional().describe('Backfill from the event after this one; without it only new ones come'),
  lastEventId: v.numeral.min(0).optional(),
};

export const version = v.object('Version', { version: z.string(), api: z.literal('v1'), startedAt: v.time });
