/** The values that resources are made of. A schema with an id is a component of `openapi.json`. */
import { type AttributeValue, formatDuration, LIMITS, parseDuration, type Share } from '@flaghoist/fleet';
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

const timeText = z.iso
  .datetime({ offset: true })
  .meta({ id: 'Time', description: 'RFC 3339', example: '2026-11-21T13:45:00.000Z' });
/** On the wire text, in the domain milliseconds since the Unix epoch. */
export const time = z.codec(timeText, z.number(), {
  decode: (text) => Date.parse(text),
  encode: (at) => new Date(at).toISOString(),
});

const durationText = z
  .string()
  .regex(/^(\d+(\.\d+)?(ms|s|m|h|d))+$/, 'a duration such as 30s, 5m or 1h30m')
  .meta({ id: 'Duration', description: 'A length of time: `30s`, `5m`, `1h30m`', example: '30s' });
/** On the wire text, in the domain milliseconds. */
export const duration = z.codec(durationText, z.number('this duration is too long'), {
  decode: (text) => parseDuration(text) ?? Number.NaN,
  encode: formatDuration,
});

const shareValue = z
  .union([z.int().min(0), z.string().regex(/^(100|\d{1,2}(\.\d+)?)%$/, 'a count, or a share such as 5%, up to 100%')])
  .meta({
    id: 'Share',
    description: 'A number of agents, or a share of those in the group at the start: `10`, `"25%"`',
  });
export const share = z.codec(shareValue, z.custom<Share>(), {
  decode: (value) => (typeof value === 'number' ? { count: value } : { percent: Number.parseFloat(value) }),
  encode: (value) => ('count' in value ? value.count : `${value.percent}%`),
});

export const NAME_MOST = LIMITS.nameLength;

/** Names of configurations, groups and strategies stand in URLs and files. */
export const objectName = z
  .string()
  .max(LIMITS.nameLength)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'lower-case letters, digits and hyphens')
  .meta({ id: 'Name' });

export const hash = z.string().meta({ id: 'Hash', description: 'SHA-256, hexadecimal; empty for none' });
export const text = z.string().max(LIMITS.messageLength);
/** Who asks for a change, while there are no accounts. */
export const author = z
  .string()
  .min(1)
  .max(API_LIMITS.authorLength)
  .optional()
  .transform((name) => name ?? 'anonymous');
export const selector = z
  .string()
  .max(LIMITS.selectorLength)
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

const nested = z.lazy(() => attributeValue);
/** An OpAMP attribute value. 64-bit integers outside the safe range and bytes keep their type in a tag. */
const attributeValue: z.ZodType<AttributeValue, AttributeValue> = z
  .union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.object({ int64: z.string() }),
    z.object({ double: z.string() }),
    z.object({ bytes: z.string() }),
    z.object({ kvlist: z.record(z.string(), nested) }),
    z.array(nested),
  ])
  .meta({ id: 'AttributeValue' });
export const attributes = z.record(z.string(), attributeValue).meta({ id: 'Attributes' });
