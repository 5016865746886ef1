import { LIMITS } from '@flaghoist/fleet';
import { z } from 'zod';
import * as v from './values.ts';

export const configuration = v.object('Configuration', {
  name: z.string(),
  description: z.string(),
  createdAt: v.time,
  createdBy: z.string(),
  latest: v.count.describe('Number of the newest revision; 0 while there is none'),
  groups: z.array(z.string()).describe('Groups that run it'),
  version: z.string(),
});
export const configurationRequest = v.request('ConfigurationRequest', {
  description: v.text.default(''),
  author: v.author,
});

const description = 'Texts by their name on the wire; the name of a single one is the empty string';
const files = z
  .record(z.string(), z.object({ body: z.string(), contentType: z.string() }))
  .meta({ id: 'Files', description });
/** JSON can carry half a surrogate pair; UTF-8, in which agents get it, cannot. */
const utf8Text = z.string().refine((text) => text.isWellFormed(), 'text that UTF-8 cannot express');
const fileRequest = z.strictObject({ body: utf8Text, contentType: utf8Text.max(255).default('text/yaml') });
const filesRequest = z
  .record(utf8Text.max(255), fileRequest)
  .refine((all) => Object.keys(all).length <= LIMITS.configurationFiles, `at most ${LIMITS.configurationFiles} files`)
  .meta({ id: 'FilesRequest', description });

export const revision = v.object('Revision', {
  configuration: z.string(),
  number: z.int(),
  hash: v.hash,
  parent: z.int().nullable(),
  author: z.string(),
  message: z.string(),
  createdAt: v.time,
  bytes: v.count,
});
export const savedRevision = v.object('SavedRevision', {
  ...revision.shape,
  created: z.boolean().describe('False when the newest revision has these very texts already'),
});
export const revisionWithFiles = v.object('RevisionWithFiles', { ...revision.shape, files });
export const revisionRequest = v.request('RevisionRequest', {
  files: filesRequest,
  message: v.text,
  author: v.author,
  parent: z.int().min(1).optional().describe('Refused when the newest revision is another one'),
});

export const diffFilter = { from: v.revisionNumber, to: v.revisionNumber };
export const diff = v.object('Diff', {
  from: z.int(),
  to: z.int(),
  text: z.string().describe('Unified, file by file; empty when they are the same'),
});
