import { z } from 'zod';
import { author, count, objectName, revisionRef, selector, time } from './values.ts';

export const group = z
  .object({
    name: z.string(),
    selector: z.string(),
    priority: z.int(),
    configuration: z.string(),
    strategy: z.string(),
    stable: revisionRef
      .nullable()
      .meta({ description: 'The last revision whose rollout succeeded: new and returning agents get it' }),
    agents: count,
    createdAt: time,
    version: z
      .string()
      .meta({ description: 'Also the ETag: give it as If-Match to change only what was read' }),
  })
  .meta({ id: 'Group' });

export const groupRequest = z
  .strictObject({
    selector,
    priority: z.int().default(100).meta({ description: 'Higher wins; equal priorities resolve by name' }),
    configuration: objectName,
    strategy: z.string().optional(),
    author: author.optional(),
  })
  .meta({ id: 'GroupRequest' });
