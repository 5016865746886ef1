import { z } from 'zod';
import { strategyChoice } from './strategies.ts';
import * as v from './values.ts';

export const group = v.object('Group', {
  name: z.string(),
  selector: z.string(),
  priority: z.int(),
  configuration: z.string(),
  strategy: strategyChoice,
  stable: v.revisionRef
    .nullable()
    .describe('The last revision whose rollout succeeded: new and returning agents get it'),
  agents: v.count,
  createdAt: v.time,
  version: z.string().describe('Also the ETag: give it as If-Match to change only what was read'),
});

export const groupRequest = v.request('GroupRequest', {
  selector: v.selector,
  priority: z.int().default(100).describe('Higher wins; equal priorities resolve by name'),
  configuration: v.objectName,
  strategy: strategyChoice.optional(),
  author: v.author,
});
