import { WEBHOOK_FORMATS } from '@flaghoist/fleet';
import { z } from 'zod';
import { API_LIMITS } from '../limits.ts';
import * as v from './values.ts';

const variable = z
  .string()
  .max(API_LIMITS.variableLength)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a name of an environment variable');
const fromEnvironment = z
  .strictObject({ env: variable })
  .meta({ id: 'FromEnvironment', description: "Stands in the server's environment; read when it is needed" });
const url = z
  .string()
  .max(API_LIMITS.urlLength)
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), 'an address such as https://example.com/hook')
  .refine((text) => !URL.parse(text)?.username && !URL.parse(text)?.password, 'no user and password in it');
const pattern = z
  .string()
  .max(API_LIMITS.patternLength)
  .regex(/^(\*|[a-z-]+\.(\*|[a-z-]+))$/, 'a kind of event such as rollout.paused, alert.* or *');

const settings = {
  url: z.union([url, fromEnvironment]).describe('Where it is sent; from the environment where it is a secret itself'),
  secret: fromEnvironment.nullable().describe('Signs what is sent (Standard Webhooks): `whsec_` and base64'),
  events: z.array(pattern).min(1).max(API_LIMITS.patterns).describe('Kinds of events; `alert.*` for all alerts'),
  selector: v.selector.describe('Only what concerns agents with these labels'),
  format: z.enum(WEBHOOK_FORMATS).meta({ id: 'WebhookFormat' }),
};

export const webhook = v.object('Webhook', {
  name: z.string(),
  ...settings,
  state: z
    .enum(['ok', 'failing', 'gone'])
    .describe(
      '`failing`: also while its secret or address cannot be read; `gone`: the receiver said 410, so nothing is sent any more',
    ),
  since: v.time.nullable(),
  waiting: v.count.describe('Events that are still to be delivered'),
  delivered: v.count,
  dropped: v.count.describe('Events that were given up: the queue was full, or a day had passed'),
  lastError: z.string(),
  lastDeliveredAt: v.time.nullable(),
  createdAt: v.time,
  version: z.string().describe('Also the ETag: give it as If-Match to change only what was read'),
});

export const webhookRequest = v.request('WebhookRequest', {
  url: settings.url,
  secret: settings.secret.default(null),
  events: settings.events,
  selector: v.selector.default(''),
  format: settings.format.default('standard'),
  author: v.author,
});

export const webhookTest = v.object('WebhookTest', {
  delivered: z.boolean(),
  status: z.int().nullable().describe('HTTP status of the answer; null when none came'),
  millis: v.count,
  error: z.string().describe('Empty when it was delivered'),
});
