/** What manifests may say. */
import { resolve } from 'node:path';
import { contract } from '@flaghoist/api/contract';
import { WEBHOOK_FORMATS } from '@flaghoist/fleet';
import { z } from 'zod';
import { fileText } from '../texts.ts';

const later = z.undefined('does not work yet in this version: leave it out').optional();
const apiVersion = z.literal('flaghoist/v1');
const fromEnvironment = z.strictObject({ env: z.string() });

/** A text that stands in the manifest, or the file that has it, relative to the `home` of the manifest. */
function fileIn(home: string) {
  const path = z.string().optional();
  const body = z.string().optional();
  const contentType = z.string().default('text/yaml');
  return z.strictObject({ path, body, contentType }).transform(async ({ path, body, contentType }, { addIssue }) => {
    if ((path === undefined) === (body === undefined)) addIssue('needs either path or body');
    const unreadable = (error: Error): string => {
      addIssue(`names a file that cannot be read: ${error.message}`);
      return '';
    };
    return { body: body ?? (await fileText(resolve(home, path ?? '')).catch(unreadable)), contentType };
  });
}

/** A value as the API takes it, written as the server writes it, so that what is the same looks the same. */
const asTheApi = <Value extends z.ZodType>(schema: Value) =>
  z.unknown().transform((value, { addIssue }): z.input<Value> => {
    const { data, error } = schema.safeDecode(value as z.input<Value>);
    for (const { path, message } of error?.issues ?? []) addIssue({ code: 'custom', path: [...path], message });
    return error === undefined ? (z.encode(schema, data as z.output<Value>) as z.input<Value>) : (z.NEVER as never);
  });

const { author: _, ...strategyFields } = contract.putStrategy.input.shape.body.shape;
const strategySpec = asTheApi(z.strictObject(strategyFields));
const strategyChoice = asTheApi(contract.putGroup.input.shape.body.shape.strategy);

/** A manifest of a directory; reads the files that it names. */
export function manifestIn(home: string) {
  const configuration = z.strictObject({
    apiVersion,
    kind: z.literal('Configuration'),
    metadata: z.strictObject({ name: z.string(), description: z.string().default('') }),
    spec: z.strictObject({ layers: later, files: z.record(z.string(), fileIn(home)) }),
  });
  const group = z.strictObject({
    apiVersion,
    kind: z.literal('Group'),
    metadata: z.strictObject({ name: z.string() }),
    spec: z.strictObject({
      selector: z.string(),
      priority: z.int().optional(),
      configuration: z.string(),
      strategy: strategyChoice.optional(),
      adoption: later,
    }),
  });
  const webhook = z.strictObject({
    apiVersion,
    kind: z.literal('Webhook'),
    metadata: z.strictObject({ name: z.string() }),
    spec: z.strictObject({
      url: z.union([z.string(), fromEnvironment]),
      secret: fromEnvironment.optional(),
      events: z.array(z.string()),
      selector: z.string().optional(),
      format: z.enum(WEBHOOK_FORMATS).optional(),
    }),
  });
  const strategy = z.strictObject({
    apiVersion,
    kind: z.literal('Strategy'),
    metadata: z.strictObject({ name: z.string() }),
    spec: strategySpec,
  });
  return z.discriminatedUnion('kind', [configuration, group, strategy, webhook], {
    error: 'must be Configuration, Group, Strategy or Webhook; other kinds do not work yet in this version',
  });
}

export type Manifest = z.output<ReturnType<typeof manifestIn>>;
