import { ApiError, BASE_PATH, type Handlers, type OperationName, problemDocument } from '@flaghoist/api';
import { contract, readRequest } from '@flaghoist/api/contract';
import openapi from '@flaghoist/api/openapi.json' with { type: 'json' };
import { FleetError } from '@flaghoist/fleet';
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { ControlPlane } from '../control-plane.ts';
import { SERVER_LIMITS } from '../limits.ts';
import { StoreError } from '../storage/store.ts';
import { agentHandlers } from './agents.ts';
import { configurationHandlers } from './configurations.ts';
import { streamEvents } from './event-stream.ts';
import { fleetHandlers } from './fleet.ts';
import { groupHandlers } from './groups.ts';
import { rolloutHandlers } from './rollouts.ts';

/** The stream is written by hand; everything else answers with a value. */
type Answered = Omit<Handlers<void>, 'streamEvents'>;

const handlersOf = (plane: ControlPlane): Answered => ({
  ...agentHandlers(plane),
  ...configurationHandlers(plane),
  ...groupHandlers(plane),
  ...rolloutHandlers(plane),
  ...fleetHandlers(plane),
});

/** Every error as a problem with a stable code; what is not ours to tell is logged and stays inside. */
function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof FleetError) return new ApiError(error.code, error.message, error.problems, { cause: error });
  if (error instanceof StoreError) return new ApiError('unavailable', error.message, [], { cause: error });
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode === 413) return new ApiError('too-large', `the body is larger than ${SERVER_LIMITS.apiBody} bytes`);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new ApiError('invalid', message ?? 'bad request', [], { status: statusCode, cause: error });
  return new ApiError('internal', 'something failed in the server; its log says what', [], { cause: error });
}

const notFound = ({ method, url }: FastifyRequest): ApiError =>
  new ApiError('not-found', `there is no ${method} ${url.slice(0, 200)}`);

function sendProblem(reply: FastifyReply, error: unknown): FastifyReply {
  const problem = toApiError(error);
  if (problem.code === 'internal') reply.log.error({ err: error }, 'request failed');
  return reply.status(problem.status).type('application/problem+json').send(problemDocument(problem));
}

/** A page of another site must not act through a browser that can reach us: no cookie protects loopback (X13). */
function refuseForeignOrigin({ headers, method }: FastifyRequest): void {
  const { origin, host } = headers;
  if (method === 'GET' || method === 'HEAD' || origin === undefined) return;
  if (URL.parse(origin)?.host === host) return;
  throw new ApiError('not-allowed', 'requests from pages of other sites are refused');
}

/** Names under which this plane may be asked: anything else is another site's name pointed at us (DNS rebinding). */
function refuseForeignHost(loopback: boolean, { headers, ip }: FastifyRequest): void {
  const name = URL.parse(`http://${headers.host ?? ''}`)?.hostname ?? '';
  if (!loopback || name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name)) return;
  throw new ApiError(
    'not-allowed',
    `this server listens on loopback and does not answer for ${name || 'a Host that is none'} (from ${ip})`,
  );
}

function refuseProto(key: string, value: unknown): unknown {
  if (key !== '__proto__') return value;
  throw new ApiError('invalid', 'body: a key cannot be called "__proto__"; give it another name');
}

/** `__proto__` is refused by name, because checking would drop it silently. @throws ApiError `invalid`. */
function readJson(body: string): unknown {
  try {
    return JSON.parse(body, /__proto__|\\u/.test(body) ? refuseProto : undefined);
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError('invalid', `body: this is not JSON: ${(cause as Error).message}`, [], { cause });
  }
}

export interface AppOptions {
  readonly logger: FastifyBaseLogger;
  /** Whether it listens on loopback alone. */
  readonly loopback: boolean;
}

/** The operator plane: the contract served, nothing beside it. */
export function createApp(plane: ControlPlane, { logger, loopback }: AppOptions): FastifyInstance {
  const app = fastify({
    loggerInstance: logger,
    bodyLimit: SERVER_LIMITS.apiBody,
    requestTimeout: 30_000,
    connectionTimeout: 0,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
  });
  app.addHook('onRequest', async (request) => {
    refuseForeignHost(loopback, request);
    refuseForeignOrigin(request);
  });
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: unknown, body: string) =>
    readJson(body),
  );
  app.setErrorHandler((error, _request, reply) => sendProblem(reply, error));
  app.setNotFoundHandler((request, reply) => sendProblem(reply, notFound(request)));
  app.get('/openapi.json', async () => openapi);
  const handlers = handlersOf(plane);
  const acts = new Map<string, OperationName>();
  for (const [key, { method, path }] of Object.entries(contract)) {
    const name = key as OperationName;
    const [resource = '', verb] = path.split('}:');
    if (verb === undefined) {
      const url = BASE_PATH + path.replace(/\{(\w+)\}/g, ':$1');
      app.route({
        method,
        url,
        handler: (request, reply) => serve(name, request.params as object, request, reply),
      });
    } else {
      acts.set(`${resource}}:${verb}`, name);
    }
  }
  // The router takes a colon for the beginning of a parameter, so `/agents/{id}:restart` is taken apart here.
  app.post(`${BASE_PATH}/:resource/:target`, (request, reply) => {
    const { resource, target } = request.params as { resource: string; target: string };
    const colon = target.lastIndexOf(':');
    const name = acts.get(`/${resource}/{id}:${target.slice(colon + 1)}`);
    if (name === undefined || colon < 1) throw notFound(request);
    return serve(name, { id: target.slice(0, colon) }, request, reply);
  });
  let streams = 0;

  async function serve(
    name: OperationName,
    params: object,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown> {
    const { headers, body } = request;
    const raw = { params, query: request.query as object, headers, body };
    if (name === 'streamEvents') {
      const { after, lastEventId } = readRequest(name, raw as never);
      if (streams >= SERVER_LIMITS.streams)
        throw new ApiError('too-many-requests', `${streams} event streams are open; close some`);
      streams += 1;
      request.raw.socket.setTimeout(0);
      try {
        await streamEvents(plane, lastEventId ?? after, reply.raw, () => reply.hijack());
      } finally {
        streams -= 1;
      }
      return reply;
    }
    const input = readRequest(name, raw as never);
    const answer = await (handlers[name] as (input: unknown) => Promise<unknown>)(input);
    const { version } = (answer ?? {}) as { version?: unknown };
    if (typeof version === 'string') reply.header('etag', `"${version}"`);
    return reply.status(contract[name].status).send(answer);
  }
  return app;
}
