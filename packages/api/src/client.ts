/** The typed client: one method per operation. Runs wherever `fetch` exists. */
import { ApiError, notTheApi, readProblem } from './errors.ts';
import { API_LIMITS } from './limits.ts';
import { BASE_PATH, placeOf, ROUTES, type Route } from './routes.ts';
import type { AnswerOf, CallName, RequestOf } from './types.ts';

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

type Method<Op extends CallName> =
  Record<never, never> extends RequestOf<Op>
    ? (input?: RequestOf<Op>, options?: CallOptions) => Promise<AnswerOf<Op>>
    : (input: RequestOf<Op>, options?: CallOptions) => Promise<AnswerOf<Op>>;

/**
 * Every operation but the event stream, for which there is `followEvents`. Each rejects with `ApiError`: the
 * server's problem, or `unreachable`, `timeout`, `not-the-api`; with the signal's reason when it was aborted.
 */
export type Client = { readonly [Op in CallName]: Method<Op> };

type Input = Readonly<Record<string, unknown>>;

/** Where an operation's request goes and what it carries. */
export function writeRequest(route: Route, input: Input) {
  let path = route.path;
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  for (const [key, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const { in: place, name } = placeOf(route, key);
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(String(value)));
    else if (place === 'query') query.append(name, String(value));
    else if (place === 'header') headers[name] = key === 'ifMatch' ? JSON.stringify(value) : String(value);
    else headers['Content-Type'] = 'application/json';
  }
  return {
    method: route.method,
    url: `${BASE_PATH}${path}${query.size === 0 ? '' : `?${query}`}`,
    headers,
    body: input['body'] === undefined ? null : JSON.stringify(input['body']),
  };
}

async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notTheApi(response.status, cause);
  }
}

/** Sends a request. @throws ApiError the server's refusal, or why no answer came; the caller's reason when aborted. */
export async function send(
  options: ClientOptions,
  { url, ...request }: ReturnType<typeof writeRequest>,
  { caller, timeout }: { readonly caller?: AbortSignal | undefined; readonly timeout?: number | undefined },
): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', ...request.headers };
  if (options.token !== undefined) headers['Authorization'] = `Bearer ${options.token}`;
  const wait = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
  const signal = AbortSignal.any([caller, wait].filter((each) => each !== undefined));
  let response: Response;
  try {
    response = await (options.fetch ?? fetch)(options.baseUrl.replace(/\/+$/, '') + url, {
      ...request,
      headers,
      signal,
    });
  } catch (cause) {
    if (caller?.aborted) throw caller.reason;
    const [code, detail] = wait?.aborted
      ? (['timeout', `${options.baseUrl} did not answer within ${(timeout ?? 0) / 1_000} s`] as const)
      : (['unreachable', `no server answers at ${options.baseUrl}: is it running, and is this its address?`] as const);
    throw new ApiError(code, detail, [], { cause });
  }
  if (!response.ok) throw readProblem(response.status, await jsonOf(response));
  return response;
}

export function createClient(options: ClientOptions): Client {
  const timeout = options.timeout ?? API_LIMITS.requestMs;
  const methods: Record<string, unknown> = {};
  for (const [name, route] of Object.entries(ROUTES)) {
    methods[name] = async (input: Input = {}, { signal }: CallOptions = {}) => {
      const response = await send(options, writeRequest(route, input), { caller: signal, timeout });
      return response.status === 204 ? undefined : jsonOf(response);
    };
  }
  return methods as Client;
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** All items of a paged list. */
export async function allItems<Item>(page: (cursor: string | undefined) => Promise<Page<Item>>): Promise<Item[]> {
  const all: Item[] = [];
  let cursor: string | undefined;
  do {
    const { items, nextCursor } = await page(cursor);
    all.push(...items);
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
  return all;
}
