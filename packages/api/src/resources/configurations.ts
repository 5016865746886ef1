import { z } from 'zod';
import { API_LIMITS } from '../limits.ts';
import { author, count, hash, objectName, revisionNumber, text, time } from './values.ts';

export const configuration = z
  .object({
    name: z.string(),
    description: z.string(),
    createdAt: time,
    createdBy: z.string(),
    latest: count.meta({ description: 'Number of the newest revision; 0 while there is none' }),
    groups: z.array(z.string()).meta({ description: 'Groups that run it' }),
    version: z.string(),
  })
  .meta({ id: 'Configuration' });

export const configurationRequest = z
  .strictObject({ description: text.default(''), author: author.optional() })
  .meta({ id: 'ConfigurationRequest' });

const named = 'Texts by their name on the wire; the name of a single one is the empty string';
const files = z
  .record(z.string(), z.object({ body: z.string(), contentType: z.string() }))
  .meta({ id: 'Files', description: named });
const filesRequest = z
  .record(
    z.string().max(255),
    z.strictObject({ body: z.string(), contentType: z.string().max(255).default('text/yaml') }),
  )
  .refine((all) => Object.keys(all).length <= API_LIMITS.files, `at most ${API_LIMITS.files} files`)
  .meta({ id: 'FilesRequest', description: named });

export const revision = z
  .object({
    configuration: z.string(),
    number: z.int(),
    hash,
    parent: z.int().nullable(),
    author: z.string(),
    message: z.string(),
    createdAt: time,
    bytes: count,
  })
  .meta({ id: 'Revision' });

export const savedRevision = revision
  .extend({
    created: z.boolean().meta({ description: 'False when the newest revision has these very texts already' }),
  })
  .meta({ id: 'SavedRevision' });

export const revisionWithFiles = revision.extend({ files }).meta({ id: 'RevisionWithFiles' });

export const revisionRequest = z
  .strictObject({
    files: filesRequest,
    message: text,
    author: author.optional(),
    parent: z
      .int()
      .min(1)
      .optional()
      .meta({ description: 'Refused when the newest revision is another one' }),
  })
  .meta({ id: 'RevisionRequest' });

export const diffQuery = z.object({ from: revisionNumber, to: revisionNumber });
export const diff = z
  .object({
    from: z.int(),
    to: z.int(),
    text: z.string().meta({ description: 'Unified, file by file; empty when they are the same' }),
  })
  .meta({ id: 'Diff' });

export const checkRequest = z.strictObject({ files: filesRequest }).meta({ id: 'CheckRequest' });
const finding = z
  .object({
    file: z.string(),
    line: z.int(),
    column: z.int(),
    rule: z.string(),
    severity: z.enum(['error', 'warning']),
    message: z.string(),
  })
  .meta({ id: 'Finding' });
export const findings = z.object({ findings: z.array(finding) }).meta({ id: 'Findings' });

export const byName = z.object({ name: objectName });
export const byRevision = byName.extend({ revision: revisionNumber });
