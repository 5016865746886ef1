/** The contract as an OpenAPI 3.1 document. Component schemas are those with an id; the order is the contract's. */
import { z } from 'zod';
import { contract, type Operation } from './contract.ts';
import { problem } from './resources/problem.ts';
import { BASE_PATH, placeOf } from './routes.ts';

type Json = Record<string, unknown>;
interface Described {
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
}

/** Safe integers need no bounds that say so. */
function withoutSafeBounds(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
}

const operations = Object.entries(contract) as [string, Operation][];

/** The JSON schemas of all that travels, as it is on the wire, and of the components that they refer to. */
const { properties, $defs } = JSON.parse(
  JSON.stringify(
    z.toJSONSchema(
      z.object({
        problem,
        ...Object.fromEntries(operations.map(([name, { input }]) => [`${name}.input`, input])),
        ...Object.fromEntries(operations.map(([name, { response }]) => [`${name}.response`, response])),
      }),
      { io: 'input', unrepresentable: 'any', override: ({ jsonSchema }) => withoutSafeBounds(jsonSchema) },
    ),
  ).replaceAll('"#/$defs/', '"#/components/schemas/'),
) as { properties: Record<string, Json>; $defs: Record<string, Json> };

function responses(name: string, { status }: Operation): Json {
  const type = name === 'streamEvents' ? 'text/event-stream' : 'application/json';
  return {
    [status]: {
      description: 'Done',
      content: status === 204 ? undefined : { [type]: { schema: properties[`${name}.response`] } },
    },
    default: { description: 'A problem', content: { 'application/problem+json': { schema: properties['problem'] } } },
  };
}

function written(name: string, operation: Operation): Json {
  const { properties: inputs = {}, required = [] } = properties[`${name}.input`] as Described;
  const { body, ...rest } = inputs;
  return {
    operationId: name,
    summary: operation.summary,
    parameters: Object.entries(rest).map(([key, { description, ...schema }]) => {
      const place = placeOf(operation, key);
      return { name: place.name, in: place.in, required: required.includes(key), description, schema };
    }),
    requestBody: body && { required: true, content: { 'application/json': { schema: body } } },
    responses: responses(name, operation),
  };
}

export function openApi(): Json {
  const components = Object.entries($defs).map(([id, { id: _, ...schema }]) => [id, schema] as const);
  const paths: Record<string, Json> = {};
  for (const [name, operation] of operations) {
    const { path, method } = operation;
    paths[path] = { ...paths[path], [method.toLowerCase()]: written(name, operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Flaghoist',
      version: 'v1',
      description: 'Pushes configuration to fleets of OpenTelemetry Collectors over OpAMP and proves that they run it.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: BASE_PATH }],
    paths,
    components: { schemas: Object.fromEntries(components.sort(([a], [b]) => (a < b ? -1 : 1))) },
  };
}
