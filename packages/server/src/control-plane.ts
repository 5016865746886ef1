import type { Gateway } from './gateway/gateway.ts';
import type { Memory } from './memory.ts';
import type { Reconciler } from './reconciler/reconciler.ts';

/** All parts of the running server, as the operator plane sees them. */
export interface ControlPlane extends Memory {
  readonly gateway: Gateway;
  readonly reconciler: Reconciler;
  readonly version: string;
}
