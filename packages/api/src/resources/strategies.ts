import type { StrategyChoice } from '@flaghoist/fleet';
import { z } from 'zod';
import { strategy as settings, strategyOverrides } from './rollouts.ts';
import * as v from './values.ts';

const base = z.string().max(v.NAME_MOST).describe('The strategy that these fields stand over');

/** As files say it: fields over a strategy. */
const spec = z.strictObject({ base: base.default('careful'), ...strategyOverrides.shape }).meta({ id: 'StrategySpec' });

/** What a group says: a name, or fields over one. */
export const strategyChoice = z
  .union([z.string().max(v.NAME_MOST), spec], {
    error: 'the name of a strategy, or fields over one: { base: careful, … }',
  })
  .meta({ id: 'StrategyChoice' }) satisfies z.ZodType<StrategyChoice>;

export const strategy = v.object('StrategyObject', {
  name: z.string(),
  builtIn: z.boolean(),
  spec: spec.nullable().describe('As it was saved; null of one that is built in'),
  settings: settings.describe('What comes of it'),
  groups: z.array(z.string()).describe('Those that use it'),
  createdAt: v.time.nullable(),
  version: z.string().describe('Also the ETag: give it as If-Match to change only what was read'),
});

export const strategyRequest = v.request('StrategyRequest', { ...spec.shape, author: v.author });
