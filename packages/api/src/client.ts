/** The typed client: one method per operation. Runs wherever `fetch` exists. */
import { ApiError, notTheApi, readProblem } from './errors.ts';
import { API_LIMITS } from './limits.ts';
import { BASE_PATH, type OperationName, placeOf, ROUTES, type Route } from './routes.ts';
import type { AnswerOf, CallName, RequestOf } from './types.ts';

export interface ClientOptions {
  /** Where the server's operator plane is, such as `http://127.0.0.1:4321`. */
  readonly baseUrl: string;
  readonly fetch?: typeof fetch | undefined;
  /** How long to wait for an answer, milliseconds. */
  readonly timeout?: number | undefined;
}

interface CallOptions {
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
function writeRequest(name: OperationName, { body, ...input }: Input) {
  const route: Route = ROUTES[name];
  let { path } = route;
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  for (const [key, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const place = placeOf(route, key);
    if (place.in === 'path') path = path.replace(`{${key}}`, encodeURIComponent(String(value)));
    else if (place.in === 'query') query.append(key, String(value));
    else headers[place.name] = key === 'ifMatch' ? JSON.stringify(value) : String(value);
  }
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return {
    url: `${BASE_PATH}${path}${query.size === 0 ? '' : `?${query}`}`,
    headers,
    body: JSON.stringify(body) ?? null,
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

/**
 * Sends a request and reads what is answered. @throws ApiError the server's refusal, or `unreachable` when the connection
 * breaks before that is done; the reason of the signal when aborted.
 */
export async function send<Answer>(
  { baseUrl, fetch: doFetch = fetch }: ClientOptions,
  name: OperationName,
  input: Input,
  signal: AbortSignal,
  read: (response: Response) => Answer | Promise<Answer>,
): Promise<Answer> {
  const { url, ...request } = writeRequest(name, input);
  const address = baseUrl.replace(/\/+$/, '') + url;
  try {
    const response = await doFetch(address, { method: ROUTES[name].method, ...request, signal });
    if (!response.ok) throw readProblem(response.status, await jsonOf(response));
    return await read(response);
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    signal.throwIfAborted();
    const detail = `no server answers at ${baseUrl}: is it running, and is this its address?`;
    throw new ApiError('unreachable', detail, [], { cause });
  }
}

async function contentOf(response: Response): Promise<unknown> {
  return response.status === 204 ? undefined : jsonOf(response);
}

export function createClient(options: ClientOptions): Client {
  const { baseUrl, timeout = API_LIMITS.requestMs } = options;
  const method =
    (name: OperationName) =>
    async (input: Input = {}, { signal }: CallOptions = {}) => {
      const patience = AbortSignal.timeout(timeout);
      const either = AbortSignal.any(signal ? [signal, patience] : [patience]);
      try {
        return await send(options, name, input, either, contentOf);
      } catch (cause) {
        if (cause !== patience.reason) throw cause;
        throw new ApiError('timeout', `${baseUrl} did not answer within ${timeout / 1_000} s`, [], { cause });
      }
    };
  const names = Object.keys(ROUTES) as OperationName[];
  return Object.fromEntries(names.map((name) => [name, method(name)])) as unknown as Client;
}

/** All items of a paged list. */
export async function allItems<Item>(
  page: (cursor?: string) => Promise<{ readonly items: readonly Item[]; readonly nextCursor: string | null }>,
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
