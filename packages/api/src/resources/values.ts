/** The values that resources are made of. A schema with an id is a component of `openapi.json`. */
import type { AttributeValue } from '@flaghoist/fleet';
import { z } from 'zod';
import { API_LIMITS } from '../limits.ts';

/** What the server answers with. */
export function object<Shape extends z.ZodRawShape>(id: string, shape: Shape, description?: string) {
  return z.object(shape).meta({ id, description });
}

/** What a client sends: a field that is not known is wrong. */
export function request<Shape extends z.ZodRawShape>(id: string, shape: Shape) {
  return z.strictObject(shape).meta({ id });
}

export const time = z.iso
  .datetime({ offset: true })
  .meta({ id: 'Time', description: 'RFC 3339', example: '2026-11-21T13:45:00.000Z' });

export const duration = z
  .string()
  .regex(/^(\d+(\.\d+)?(ms|s|m|h|d))+$/, 'a duration such as 30s, 5m or 1h30m')
  .meta({ id: 'Duration', description: 'A length of time: `30s`, `5m`, `1h30m`', example: '30s' });

export const share = z
  .union([z.int().min(0), z.string().regex(/^\d+(\.\d+)?%$/, 'a count, or a share such as 5%')])
  .meta({
    id: 'Share',
    description: 'A number of agents, or a share of those in the group at the start: `10`, `"25%"`',
  });

export const objectName = z
  .string()
  .max(API_LIMITS.nameLength)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'lower-case letters, digits and hyphens')
  .meta({ id: 'Name' });

export const hash = z.string().meta({ id: 'Hash', description: 'SHA-256, hexadecimal; empty for none' });
export const text = z.string().max(API_LIMITS.textLength);
export const author = z.string().min(1).max(API_LIMITS.authorLength);
export const selector = z
  .string()
  .max(API_LIMITS.selectorLength)
  .meta({ id: 'Selector', example: 'role=edge,zone in (a,b),!legacy' });
export const count = z.int().min(0);
/** A whole number in a path, a query or a header. */
export const numeral = z.coerce.number<number | string>().int();

export const revisionNumber = z.union([z.literal('latest'), numeral.min(1)]);
export const revisionRef = object('RevisionRef', { configuration: z.string(), revision: z.int(), hash });

export const labels = z.record(z.string(), z.string()).meta({ id: 'Labels' });
const label = z.string().max(API_LIMITS.labelLength);
export const labelChanges = z
  .record(label.min(1), label.nullable())
  .refine(
    (changes) => Object.keys(changes).length <= API_LIMITS.labelsPerRequest,
    `at most ${API_LIMITS.labelsPerRequest} labels`,
  )
  .meta({ id: 'LabelChanges', description: 'Labels to set; null removes one' });

/** An OpAMP attribute value. 64-bit integers outside the safe range and bytes keep their type in a tag. */
const attributeValue: z.ZodType<AttributeValue> = z
  .union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.object({ int64: z.string() }),
    z.object({ double: z.string() }),
    z.object({ bytes: z.string() }),
    z.object({
      kvlist: z.record(
        z.string(),
        z.lazy(() => attributeValue),
      ),
    }),
    z.array(z.lazy(() => attributeValue)),
  ])
  .meta({ id: 'AttributeValue' });
export const attributes = z.record(z.string(), attributeValue).meta({ id: 'Attributes' });

/** Which part of a list to give, and where the last answer ended. */
export const paging = {
  limit: numeral.min(1).max(API_LIMITS.pageSizeMost).default(API_LIMITS.pageSize),
  cursor: z.string().optional(),
};

/** A page of a list, and how many there are in all. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable(), total: count });
}

/** A page of a history, whose end is not counted. */
export function historyOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}
