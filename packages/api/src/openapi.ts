/** The contract as an OpenAPI 3.1 document. Component schemas are those with an id; the order is the contract's. */
import { z } from 'zod';
import { PROBLEM_STATUS } from './codes.ts';
import { contract, type Operation } from './contract/operations.ts';
import { problem } from './resources/problem.ts';
import { BASE_PATH, HEADERS } from './routes.ts';

type Json = Record<string, unknown>;
type Properties = Record<string, Json & { properties?: Properties; required?: string[] }>;

const operations = Object.entries(contract) as [string, Operation][];

/** The JSON schemas of what is sent (`input`) or answered (`output`), and of the components they refer to. */
function schemas(of: Record<string, z.ZodType | undefined>, io: 'input' | 'output') {
  const given = Object.entries(of).filter((entry): entry is [string, z.ZodType] => entry[1] !== undefined);
  const all = z.toJSONSchema(z.object(Object.fromEntries(given)), {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Answers may gain fields; safe integers need no bounds that say so.
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  const moved = JSON.stringify(all).replaceAll('"#/$defs/', '"#/components/schemas/');
  const { properties, $defs } = JSON.parse(moved) as { properties: Properties; $defs: Record<string, Json> };
  for (const definition of Object.values($defs)) delete definition['id'];
  return { properties, components: $defs };
}

const inputs = schemas(
  Object.fromEntries(
    operations.flatMap(([name, { params, query, headers, body }]) => [
      [`${name}.path`, params],
      [`${name}.query`, query],
      [`${name}.header`, headers],
      [`${name}.body`, body],
    ]),
  ),
  'input',
);
const outputs = schemas(
  { problem, ...Object.fromEntries(operations.map(([name, { response }]) => [name, response])) },
  'output',
);

function parameters(name: string): Json[] {
  return ['path', 'query', 'header'].flatMap((place) => {
    const { properties = {}, required = [] } = inputs.properties[`${name}.${place}`] ?? {};
    return Object.entries(properties).map(([key, { description, ...schema }]) => ({
      name: place === 'header' ? HEADERS[key as keyof typeof HEADERS] : key,
      in: place,
      required: required.includes(key),
      description,
      schema,
    }));
  });
}

function responses(name: string, { status, errors, stream }: Operation): Json {
  const type = stream ? 'text/event-stream' : 'application/json';
  const content = status === 204 ? undefined : { [type]: { schema: outputs.properties[name] } };
  const refused = { 'application/problem+json': { schema: outputs.properties['problem'] } };
  const codes = Map.groupBy(errors, (code) => PROBLEM_STATUS[code]);
  return {
    [status]: { description: 'Done', content },
    ...Object.fromEntries(
      [...codes].map(([status, of]) => [
        status,
        { description: of.map((code) => `\`${code}\``).join(', '), content: refused },
      ]),
    ),
    default: { description: 'Any other problem', content: refused },
  };
}

function written(name: string, operation: Operation): Json {
  const body = inputs.properties[`${name}.body`];
  return {
    operationId: name,
    summary: operation.summary,
    parameters: parameters(name),
    requestBody: body && { required: true, content: { 'application/json': { schema: body } } },
    responses: responses(name, operation),
  };
}

export function openApi(): Json {
  const paths: Record<string, Json> = {};
  for (const [name, operation] of operations) {
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method.toLowerCase()]: written(name, operation),
    };
  }
  for (const [id, schema] of Object.entries(inputs.components)) {
    const answered = outputs.components[id];
    if (answered === undefined || JSON.stringify(answered) === JSON.stringify(schema)) continue;
    throw new Error(`schema ${id} differs between requests and answers: give them two names`);
  }
  const components = Object.entries({ ...inputs.components, ...outputs.components });
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
