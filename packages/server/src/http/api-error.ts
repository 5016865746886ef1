import { ApiError } from '@flaghoist/api';
import { FleetError } from '@flaghoist/fleet';
import { SERVER_LIMITS } from '../limits.ts';
import { StoreError } from '../storage/store.ts';

/** Every error as a problem with a stable code; what is not ours to tell is logged and stays inside. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof FleetError) return new ApiError(error.code, error.message, error.problems, { cause: error });
  if (error instanceof StoreError) return new ApiError('unavailable', error.message, [], { cause: error });
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode === 413) return new ApiError('too-large', `the body is larger than ${SERVER_LIMITS.apiBody} bytes`);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new ApiError('invalid', message ?? 'bad request', [], { status: statusCode, cause: error });
  return new ApiError('internal', 'something failed in the server; its log says what', [], { cause: error });
}
