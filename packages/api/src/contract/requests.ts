/** Between a call of an operation and an HTTP request: the client writes requests, the server reads them. */
import type { z } from 'zod';
import { ApiError, type ProblemDetail } from '../errors.ts';
import type { InputOf } from '../handlers.ts';
import { HEADERS, type OperationName } from '../routes.ts';
import { contract, type Operation } from './operations.ts';

/** A request taken apart; parameter values are decoded, header names are in lower case as Node gives them. */
export interface RawRequest {
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

function checked(schema: z.ZodType | undefined, value: unknown, where: string, problems: ProblemDetail[]): object {
  if (schema === undefined) return {};
  const result = schema.safeParse(value);
  if (result.success) return result.data as object;
  for (const { path, message } of result.error.issues) {
    problems.push({ path: [where, ...path.map(String)].join('.'), message });
  }
  return {};
}

/** A parameter that is not known is wrong: a misspelt filter would give everything. */
function checkNames(schema: z.ZodObject | undefined, query: RawRequest['query'], problems: ProblemDetail[]): void {
  const known = Object.keys(schema?.shape ?? {});
  for (const name of Object.keys(query)) {
    if (known.includes(name)) continue;
    const hint = known.length === 0 ? 'there are none here' : `there are ${known.join(', ')}`;
    problems.push({ path: `query.${name}`, message: `no such parameter; ${hint}` });
  }
}

/** The version inside an entity tag. */
function unquoted(tag: unknown): unknown {
  return typeof tag === 'string' ? tag.replace(/^(W\/)?"(.*)"$/, '$2') : tag;
}

/** Checks a request against the contract. @throws ApiError `invalid` with a problem for each field that is wrong. */
export function readRequest<Op extends OperationName>(name: Op, raw: RawRequest): InputOf<Op> {
  const operation: Operation = contract[name];
  const problems: ProblemDetail[] = [];
  checkNames(operation.query, raw.query, problems);
  const headers: Record<string, unknown> = {};
  for (const [key, header] of Object.entries(HEADERS)) headers[key] = raw.headers[header.toLowerCase()];
  headers['ifMatch'] = unquoted(headers['ifMatch']);
  const input = {
    ...checked(operation.params, raw.params, 'path', problems),
    ...checked(operation.query, raw.query, 'query', problems),
    ...checked(operation.headers, headers, 'header', problems),
    ...(operation.body === undefined ? {} : { body: checked(operation.body, raw.body, 'body', problems) }),
  };
  const [first] = problems;
  if (first !== undefined) throw new ApiError('invalid', `${first.path}: ${first.message}`, problems.slice(0, 20));
  return input as InputOf<Op>;
}
