import { hash } from 'node:crypto';
import { ApiError } from '@flaghoist/api';

/** Refuses an edit of something that has changed since it was read. `*` asks only that it exists. */
export function checkVersion(ifMatch: string | undefined, present: string | undefined): void {
  if (ifMatch === undefined || ifMatch === present || (ifMatch === '*' && present !== undefined)) return;
  throw new ApiError(
    'changed-meanwhile',
    'somebody changed it since you read it; read it again and repeat your change',
  );
}

/** Changes whenever what a person can edit changes: the ETag of the object. */
export function versionOf(value: unknown): string {
  return hash('sha256', JSON.stringify(value)).slice(0, 16);
}
