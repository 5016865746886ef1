import { z } from 'zod';
import * as v from './values.ts';

const stable = 'The last revision whose rollout succeeded: new and returning agents get it';
const version = 'Also the ETag: give it as If-Match to change only what was read';

export const group = v.object('Group', {
  name: z.string(),
  selector: z.string(),
  priority: z.int(),
  configuration: z.string(),
  strategy: z.string(),
  stable: v.revisionRef.nullable().meta({ description: stable }),
  agents: v.count,
  createdAt: v.time,
  version: z.string().meta({ description: version }),
});

export const groupRequest = v.request('GroupRequest', {
  selector: v.selector,
  priority: z.int().default(100).meta({ description: 'Higher wins; equal priorities resolve by name' }),
  configuration: v.objectName,
  strategy: z.string().optional(),
  author: v.author,
});
