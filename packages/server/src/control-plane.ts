import type { Gateway } from './gateway/gateway.ts';
import type { Memory } from './memory.ts';
import type { Reconciler } from './reconciler/reconciler.ts';
import type { Webhooks } from './webhooks/webhooks.ts';

/** All parts of the running server, as the operator plane sees them. */
export interface ControlPlane extends Memory {
  readonly webhooks: Webhooks;
  readonly gateway: Gateway;
  readonly reconciler: Reconciler;
  readonly version: string;
}
