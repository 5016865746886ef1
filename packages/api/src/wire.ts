/** HTTP on the server's side: requests are read and answers written as the contract says. */
import { z } from 'zod';
import { contract, type Operation } from './contract.ts';
import { ApiError, type ProblemDetail } from './errors.ts';
import { type OperationName, placeOf } from './routes.ts';
import type { InputOf, ResultOf } from './types.ts';

/** A request taken apart; parameter values are decoded, header names are in lower case as Node gives them. */
export interface RawRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly headers: unknown;
  readonly body: unknown;
}

/** Checks a request against the contract. @throws ApiError `invalid` with a problem for each field that is wrong. */
export function readRequest<Op extends OperationName>(name: Op, { params, query, headers, body }: RawRequest) {
  const operation: Operation = contract[name];
  const sent = { path: params, query, header: headers, body: { body } } as Record<string, Record<string, unknown>>;
  const places = Object.keys(operation.input.shape).map((input) => ({ input, ...placeOf(operation, input) }));
  const problems: ProblemDetail[] = [];

  // A parameter that is not known is wrong: a misspelt filter would give everything.
  const known = places.filter((place) => place.in === 'query').map(({ input }) => input);
  for (const parameter of Object.keys(sent['query'] ?? {})) {
    if (known.includes(parameter)) continue;
    const hint = known.length === 0 ? 'there are none here' : `there are ${known.join(', ')}`;
    problems.push({ path: `query.${parameter}`, message: `no such parameter; ${hint}` });
  }

  const values = places.map(({ input, in: place, name }) => [
    input,
    sent[place]?.[place === 'header' ? name.toLowerCase() : name],
  ]);
  const { data, error } = operation.input.safeParse(Object.fromEntries(values));
  for (const { path, message } of error?.issues ?? []) {
    const place = placeOf(operation, String(path[0])).in;
    problems.push({ path: [...(place === 'body' ? [] : [place]), ...path].join('.'), message });
  }
  const [first] = problems;
  if (first !== undefined) throw new ApiError('invalid', `${first.path}: ${first.message}`, problems.slice(0, 20));
  return data as InputOf<Op>;
}

type Write = (value: unknown) => unknown;

/**
 * From the domain to the wire: of objects the fields that the schema names, and codecs applied. Not zod's own `encode`,
 * which would check all anew and drop what agents call `__proto__` (R18); maps have nothing to translate.
 */
function writerOf(schema: z.core.$ZodType): Write {
  if (schema instanceof z.ZodCodec) {
    const { reverseTransform } = schema.def;
    return (value) => reverseTransform(value, { value, issues: [] });
  }
  if (schema instanceof z.ZodNullable) {
    const write = writerOf(schema.unwrap());
    return (value) => (value === null ? null : write(value));
  }
  if (schema instanceof z.ZodArray) {
    const write = writerOf(schema.element);
    return (items) => (items as unknown[]).map((item) => write(item));
  }
  if (schema instanceof z.ZodObject) {
    const fields = Object.entries(schema.shape).map(([key, field]) => ({ key, write: writerOf(field) }));
    return (value) =>
      Object.fromEntries(fields.map(({ key, write }) => [key, write((value as Record<string, unknown>)[key])]));
  }
  if (schema instanceof z.ZodOptional) {
    const write = writerOf(schema.unwrap());
    return (value) => (value === undefined ? undefined : write(value));
  }
  if (schema instanceof z.ZodDefault) return writerOf(schema.unwrap());
  if (schema instanceof z.ZodUnion) {
    // A text or an object: of several objects it could not be told which it is, and none of those has codecs.
    const [object, ...others] = schema.options.filter((option) => option instanceof z.ZodObject);
    if (object === undefined || others.length > 0) return (value) => value;
    const write = writerOf(object);
    return (value) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? write(value) : value);
  }
  return (value) => value;
}

const writers = Object.fromEntries(
  Object.entries(contract).map(([name, { response }]) => [name, writerOf(response)]),
) as Readonly<Record<OperationName, Write>>;

/** The JSON value of an answer, or of one event of the stream. */
export const writeAnswer = <Op extends OperationName>(name: Op, result: ResultOf<Op>): unknown => writers[name](result);
