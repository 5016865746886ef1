/** The typed client: one method per operation. Runs wherever `fetch` exists. */
import { ApiError, notTheApi, readProblem } from './errors.ts';
import type { AnswerOf, RequestOf, StreamName } from './handlers.ts';
import { API_LIMITS } from './limits.ts';
import { BASE_PATH, HEADERS, type OperationName, ROUTES, type Route } from './routes.ts';

export interface ClientOptions {
  /** Where the server's operator plane is, such as `http://127.0.0.1:4321`. */
  readonly baseUrl: string;
  readonly token?: string | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** How long to wait for an answer, milliseconds. */
  readonly timeout?: number | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

type Method<Op extends OperationName> =
  Record<never, never> extends RequestOf<Op>
    ? (input?: RequestOf<Op>, options?: CallOptions) => Promise<AnswerOf<Op>>
    : (input: RequestOf<Op>, options?: CallOptions) => Promise<AnswerOf<Op>>;

/**
 * Every operation but the event stream, for which there is `followEvents`. Each rejects with `ApiError`: the
 * server's problem, or `unreachable`, `timeout`, `not-the-api`; with the signal's reason when it was aborted.
 */
export type Client = { readonly [Op in Exclude<OperationName, StreamName>]: Method<Op> };

/** Where an operation's request goes and what it carries. */
export function writeRequest(route: Route, input: Readonly<Record<string, unknown>>) {
  const { body, ...rest } = input;
  const taken = new Set<string>();
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, key: string) => {
    taken.add(key);
    return encodeURIComponent(String(rest[key]));
  });
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (value === undefined || taken.has(key)) continue;
    const header = (HEADERS as Readonly<Record<string, string>>)[key];
    if (header === undefined) query.append(key, String(value));
    else headers[header] = key === 'ifMatch' ? JSON.stringify(value) : String(value);
  }
  const search = query.size === 0 ? '' : `?${query}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return {
    method: route.method,
    url: `${BASE_PATH}${path}${search}`,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
  };
}

/** Sends a request and turns every way in which no answer can come into an `ApiError`. */
export async function send(
  options: ClientOptions,
  request: ReturnType<typeof writeRequest>,
  signals: { readonly caller?: AbortSignal | undefined; readonly timeout?: number | undefined },
): Promise<Response> {
  const { caller, timeout } = signals;
  const headers: Record<string, string> = { Accept: 'application/json', ...request.headers };
  if (options.token !== undefined) headers['Authorization'] = `Bearer ${options.token}`;
  const wait = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
  const all = [caller, wait].filter((signal) => signal !== undefined);
  try {
    const target = `${options.baseUrl.replace(/\/+$/, '')}${request.url}`;
    const { method, body } = request;
    return await (options.fetch ?? fetch)(target, { method, headers, body, signal: AbortSignal.any(all) });
  } catch (cause) {
    if (caller?.aborted) throw caller.reason;
    const [code, detail] = wait?.aborted
      ? (['timeout', `${options.baseUrl} did not answer within ${(timeout ?? 0) / 1_000} s`] as const)
      : (['unreachable', `no server answers at ${options.baseUrl}: is it running, and is this its address?`] as const);
    throw new ApiError(code, detail, [], { cause });
  }
}

/** The body of an answer as JSON. @throws ApiError what the server refused with, or `not-the-api`. */
export async function readAnswer(response: Response): Promise<unknown> {
  if (response.ok && response.status === 204) return undefined;
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw notTheApi(response.status, cause);
  }
  if (!response.ok) throw readProblem(response.status, body);
  return body;
}

export function createClient(options: ClientOptions): Client {
  const timeout = options.timeout ?? API_LIMITS.requestMs;
  const methods: Record<string, unknown> = {};
  for (const [name, route] of Object.entries(ROUTES)) {
    if (name === 'streamEvents') continue;
    methods[name] = async (input: Readonly<Record<string, unknown>> = {}, call: CallOptions = {}) =>
      readAnswer(await send(options, writeRequest(route, input), { caller: call.signal, timeout }));
  }
  return methods as Client;
}

/** All items of a paged list. */
export async function allItems<Item>(
  page: (
    cursor: string | undefined,
  ) => Promise<{ readonly items: readonly Item[]; readonly nextCursor: string | null }>,
): Promise<Item[]> {
  const all: Item[] = [];
  let cursor: string | undefined;
  do {
    const { items, nextCursor } = await page(cursor);
    all.push(...items);
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
  return all;
}
