/** The contract as an OpenAPI 3.1 document. Component schemas are those with an id; the order is the contract's. */
import { z } from 'zod';
import { contract, type Operation } from './contract/operations.ts';
import { PROBLEM_STATUS, type ProblemCode } from './errors.ts';
import { BASE_PATH, HEADERS } from './routes.ts';

type Json = Record<string, unknown>;

const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(PROBLEM_STATUS) as [ProblemCode, ...ProblemCode[]]),
    detail: z.string().meta({ description: 'What is wrong and what to do, as a sentence' }),
    problems: z.array(
      z.object({
        message: z.string(),
        path: z.string().optional(),
        file: z.string().optional(),
        line: z.int().optional(),
        column: z.int().optional(),
        rule: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'Problem', description: 'RFC 9457; match on `code`' });

/** Collects component schemas while the operations are written. */
class Components {
  readonly schemas: Record<string, Json> = {};

  /** The JSON schema of what is sent (`input`) or answered (`output`), with its parts moved to the components. */
  schema(schema: z.ZodType, io: 'input' | 'output'): Json {
    const {
      $schema: _,
      $defs: definitions,
      ...written
    } = z.toJSONSchema(z.object({ it: schema }), {
      io,
      override: ({ jsonSchema }) => {
        // Answers may gain fields; safe integers need no bounds that say so.
        if (io === 'output' && jsonSchema.additionalProperties === false)
          delete jsonSchema.additionalProperties;
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      },
    });
    for (const [id, definition] of Object.entries((definitions ?? {}) as Record<string, Json>)) {
      this.#add(id, this.#moved(definition));
    }
    return this.#moved((written['properties'] as Record<string, Json>)['it'] ?? {});
  }

  #moved(schema: Json): Json {
    return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json;
  }

  #add(id: string, { $schema: _, id: __, ...schema }: Json): void {
    const known = this.schemas[id];
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(schema)) {
      throw new Error(`schema ${id} differs between requests and answers: give them two names`);
    }
    this.schemas[id] = schema;
  }
}

function parameters(operation: Operation, components: Components): Json[] {
  const places = [
    ['path', operation.params],
    ['query', operation.query],
    ['header', operation.headers],
  ] as const;
  return places.flatMap(([place, schemas]) =>
    Object.entries(schemas?.shape ?? {}).map(([key, part]) => {
      const schema = part as z.ZodType;
      const written = components.schema(schema, 'input');
      const { description, ...rest } = written;
      return {
        name: place === 'header' ? HEADERS[key as keyof typeof HEADERS] : key,
        in: place,
        required: place === 'path' || !schema.safeParse(undefined).success,
        ...(description === undefined ? {} : { description }),
        schema: rest,
      };
    }),
  );
}

function responses(operation: Operation, components: Components): Json {
  const type = operation.stream ? 'text/event-stream' : 'application/json';
  const done =
    operation.status === 204
      ? {}
      : { content: { [type]: { schema: components.schema(operation.response, 'output') } } };
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of operation.errors) {
    byStatus.set(PROBLEM_STATUS[code], [...(byStatus.get(PROBLEM_STATUS[code]) ?? []), code]);
  }
  const content = { 'application/problem+json': { schema: components.schema(problem, 'output') } };
  return {
    [operation.status]: { description: 'Done', ...done },
    ...Object.fromEntries(
      [...byStatus].map(([status, codes]) => [
        status,
        { description: codes.map((code) => `\`${code}\``).join(', '), content },
      ]),
    ),
    default: { description: 'Any other problem', content },
  };
}

export function openApi(): Json {
  const components = new Components();
  const paths: Record<string, Json> = {};
  for (const [name, operation] of Object.entries(contract) as [string, Operation][]) {
    const given = parameters(operation, components);
    paths[operation.path] ??= {};
    Object.assign(paths[operation.path] ?? {}, {
      [operation.method.toLowerCase()]: {
        operationId: name,
        summary: operation.summary,
        ...(given.length === 0 ? {} : { parameters: given }),
        ...(operation.body === undefined
          ? {}
          : {
              requestBody: {
                required: true,
                content: { 'application/json': { schema: components.schema(operation.body, 'input') } },
              },
            }),
        responses: responses(operation, components),
      },
    });
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Flaghoist',
      version: 'v1',
      description:
        'Pushes configuration to fleets of OpenTelemetry Collectors over OpAMP and proves that they run it.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: BASE_PATH }],
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(components.schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
}
