import { z } from 'zod';
import { PROBLEM_STATUS } from '../errors.ts';
import * as v from './values.ts';

const detail = z.object({
  message: z.string(),
  path: z.string().optional(),
  file: z.string().optional(),
  line: z.int().optional(),
  column: z.int().optional(),
  rule: z.string().optional(),
});

export const problem = v.object(
  'Problem',
  {
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ enum: Object.keys(PROBLEM_STATUS) }),
    detail: z.string().describe('What is wrong and what to do, as a sentence'),
    problems: z.array(detail),
  },
  'RFC 9457; match on `code`',
);
