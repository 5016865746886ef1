import { ApiError, BASE_PATH, type CallName, type Handlers, type OperationName, problemDocument } from '@flaghoist/api';
import { contract } from '@flaghoist/api/contract';
import openapi from '@flaghoist/api/openapi.json' with { type: 'json' };
import { readRequest, writeAnswer } from '@flaghoist/api/wire';
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { isLoopback } from '../addresses.ts';
import type { ControlPlane } from '../control-plane.ts';
import { SERVER_LIMITS } from '../limits.ts';
import { agentHandlers } from './agents.ts';
import { alertHandlers } from './alerts.ts';
import { toApiError } from './api-error.ts';
import { configurationHandlers } from './configurations.ts';
import { STREAM_HEADERS, streamEvents } from './event-stream.ts';
import { fleetHandlers } from './fleet.ts';
import { groupHandlers } from './groups.ts';
import { rolloutHandlers } from './rollouts.ts';
import { strategyHandlers } from './strategies.ts';
import { webhookHandlers } from './webhooks.ts';

function sendProblem(reply: FastifyReply, error: unknown): FastifyReply {
  const problem = toApiError(error);
  if (problem.code === 'internal') reply.log.error({ err: error }, 'request failed');
  return reply.status(problem.status).type('application/problem+json').send(problemDocument(problem));
}

/**
 * There is no cookie or token that would protect loopback: another site's name pointed at us (DNS rebinding) gets
 * nothing, and its page must not act through a browser that can reach us (X13).
 */
async function refuseForeign({ headers, method, ip }: FastifyRequest): Promise<void> {
  const { origin, host } = headers;
  const name = URL.parse(`http://${host ?? ''}`)?.hostname ?? '';
  if (!isLoopback({ host: name.replace(/^\[(.*)\]$/, '$1') })) {
    throw new ApiError(
      'not-allowed',
      `this server listens on loopback and does not answer for ${name || 'a Host that is none'} (from ${ip})`,
    );
  }
  const reads = method === 'GET' || method === 'HEAD';
  if (!reads && origin !== undefined && URL.parse(origin)?.host !== host)
    throw new ApiError('not-allowed', 'requests from pages of other sites are refused');
}

const [QUOTE, BACKSLASH, COMMA, COLON, BRACKET, BRACE] = Buffer.from('"\\,:[{');

/** Whether a text of JSON has more values than `most`. By character codes: 4 MiB take 10 ms. */
function hasMoreValues(body: string, most: number): boolean {
  let count = 0;
  for (let at = 0, isText = false; at < body.length && count <= most; at += 1) {
    const code = body.charCodeAt(at);
    if (code === QUOTE) isText = !isText;
    else if (isText) at += code === BACKSLASH ? 1 : 0;
    else if (code === COMMA || code === COLON || code === BRACKET || code === BRACE) count += 1;
  }
  return count > most;
}

/** `__proto__` is refused by name, because checking would drop it silently. @throws ApiError `invalid`. */
function readJson(body: string): unknown {
  const most = SERVER_LIMITS.apiValues;
  if (hasMoreValues(body, most)) throw new ApiError('invalid', `body: this has more than ${most} values`);
  try {
    return JSON.parse(body, (key, value) => {
      if (key !== '__proto__') return value;
      throw new ApiError('invalid', 'body: a key cannot be called "__proto__"; give it another name');
    });
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError('invalid', `body: this is not JSON: ${(cause as Error).message}`, [], { cause });
  }
}

/** What can be changed only as it was read: the `version` of these is an entity tag, that of others (an agent's) is not. */
const TAGGED = new Set(Object.values(contract).flatMap(({ path, input }) => ('ifMatch' in input.shape ? path : [])));

/** The operator plane: the contract served, nothing beside it. */
export function createApp(plane: ControlPlane, loggerInstance: FastifyBaseLogger): FastifyInstance {
  const app = fastify({
    loggerInstance,
    bodyLimit: SERVER_LIMITS.apiBody,
    requestTimeout: 30_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
    // A path that cannot be decoded comes to no route and no hook.
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, error),
  });
  app.addHook('onRequest', refuseForeign);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: unknown, body: string) =>
    readJson(body),
  );
  app.setErrorHandler((error, _request, reply) => sendProblem(reply, error));
  app.setNotFoundHandler(({ method, url }, reply) =>
    sendProblem(reply, new ApiError('not-found', `there is no ${method} ${url.slice(0, 200)}`)),
  );
  app.get('/openapi.json', async () => openapi);

  const handlers: Handlers = {
    ...agentHandlers(plane),
    ...configurationHandlers(plane),
    ...groupHandlers(plane),
    ...strategyHandlers(plane),
    ...rolloutHandlers(plane),
    ...alertHandlers(plane),
    ...webhookHandlers(plane),
    ...fleetHandlers(plane),
  };
  let streams = 0;

  async function answer(name: CallName, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const handle = handlers[name] as (input: unknown) => Promise<{ readonly version?: unknown } | undefined>;
    const result = await handle(readRequest(name, request));
    const { path, status } = contract[name];
    if (result !== undefined && TAGGED.has(path)) reply.header('etag', `"${result.version}"`);
    return reply.status(status).send(writeAnswer(name, result as never));
  }

  async function stream(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { after, lastEventId } = readRequest('streamEvents', request);
    if (request.method === 'HEAD') return reply.headers(STREAM_HEADERS).send();
    if (streams >= SERVER_LIMITS.streams)
      throw new ApiError('too-many-requests', `${streams} event streams are open; close some`);
    streams += 1;
    try {
      await streamEvents(plane, lastEventId ?? after, reply.raw);
    } finally {
      streams -= 1;
      if (reply.raw.headersSent) reply.hijack();
    }
    return reply;
  }

  for (const name of Object.keys(contract) as OperationName[]) {
    const { method, path } = contract[name];
    // To the router `:id` is a parameter and `::` a colon; before an act the parameter takes all up to the last colon.
    const url =
      BASE_PATH +
      path
        .replace('}:', '}(^.+)::')
        .replace(/(?<=^\/agents):/, '::')
        .replaceAll(/\{(\w+)\}/g, ':$1');
    const handler = name === 'streamEvents' ? stream : answer.bind(undefined, name);
    app.route({ method, url, handler });
  }
  return app;
}
