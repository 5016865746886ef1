import type { Instant } from '@flaghoist/fleet';
import type { Roster } from './agents/roster.ts';
import type { NewId, Now } from './clock.ts';
import type { Configurations } from './configurations/configurations.ts';
import type { EffectiveConfigs } from './effective/effective-configs.ts';
import type { TextReader } from './effective/reader.ts';
import type { Journal } from './events/journal.ts';
import type { Gateway } from './gateway/gateway.ts';
import type { Groups } from './groups/groups.ts';
import type { Reconciler } from './reconciler/reconciler.ts';
import type { Rollouts } from './rollouts/rollouts.ts';
import type { Store } from './storage/store.ts';

/** All parts of the running server, as the operator plane sees them. Put together in server.ts, nowhere else. */
export interface ControlPlane {
  readonly store: Store;
  readonly roster: Roster;
  readonly configurations: Configurations;
  readonly groups: Groups;
  readonly rollouts: Rollouts;
  readonly effective: EffectiveConfigs;
  readonly reader: TextReader;
  readonly journal: Journal;
  readonly gateway: Gateway;
  readonly reconciler: Reconciler;
  readonly now: Now;
  readonly newId: NewId;
  readonly version: string;
  readonly startedAt: Instant;
}
