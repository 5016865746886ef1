/**
 * The client side of the API: no Node builtin, no schema library. The contract itself, with its schemas, is
 * `@flaghoist/api/contract`.
 */
export { allItems, type CallOptions, type Client, type ClientOptions, createClient } from './client.ts';
export { PROBLEM_STATUS, type ProblemCode } from './codes.ts';
export {
  ApiError,
  type ApiErrorCode,
  type ProblemDetail,
  type ProblemDocument,
  problemDocument,
} from './errors.ts';
export { type FollowOptions, followEvents } from './events.ts';
export type * from './handlers.ts';
export { API_LIMITS } from './limits.ts';
export { BASE_PATH, HEADERS, type OperationName, ROUTES, type Route } from './routes.ts';
