/**
 * The client side of the API: no Node builtin, no schema library. The contract itself, with its schemas, is
 * `@flaghoist/api/contract`; how a server reads and writes what it says, `@flaghoist/api/wire`.
 */
export { allItems, type Client, type ClientOptions, createClient } from './client.ts';
export { ApiError, type ApiErrorCode, type ProblemDetail, problemDocument } from './errors.ts';
export { type FollowOptions, followEvents } from './events.ts';
export { API_LIMITS } from './limits.ts';
export { BASE_PATH, type OperationName } from './routes.ts';
export type * from './types.ts';
