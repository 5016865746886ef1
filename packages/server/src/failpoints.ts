/**
 * Named points at which a test ends the process, as a power cut would: `FLAGHOIST_FAILPOINT=NAME[:NTH]` kills it when a
 * thread comes there for the nth time (T-A5). `FLAGHOIST_FAILPOINT=trace` writes each name that is passed to stderr.
 */
import { writeSync } from 'node:fs';
import type { RolloutEvent } from '@flaghoist/fleet';
import type { Change } from './storage/store.ts';

/** What has a point before it and one after it. */
export type Passage =
  /** On the thread that writes: the transaction of a commit, each row of it, the end of it; and the lease. */
  | 'fence'
  | `row.${Change['kind']}`
  | 'commit'
  | 'witness'
  | `lease.${'take' | 'renew' | 'give-up'}`
  /** On the main thread. */
  | 'load'
  | 'message'
  | 'turn'
  | 'release'
  | 'offer';

export type Failpoint =
  | `${Passage}.${'before' | 'after'}`
  /** A commit that holds this event is asked for, and is durable. */
  | `rollout.${RolloutEvent['type']}.${'before' | 'after'}-commit`;

const [name = '', nth = '1'] = (process.env['FLAGHOIST_FAILPOINT'] ?? '').split(':');
let left = Number(nth);

/** Whether any point does anything; never in production. */
export const ARMED = name !== '';

/** Comes to a point, where `ARMED`. */
function failpoint(here: Failpoint): void {
  if (name === 'trace') writeSync(2, `failpoint ${here}\n`);
  if (here !== name) return;
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
}

export function around<T>(here: Passage, work: () => T): T {
  if (!ARMED) return work();
  failpoint(`${here}.before`);
  const result = work();
  failpoint(`${here}.after`);
  return result;
}

/** Passes the points of the rollout events in a commit. */
export function aroundCommit(commit: (changes: readonly Change[]) => Promise<void>): typeof commit {
  if (!ARMED) return commit;
  const come = (changes: readonly Change[], when: 'before' | 'after'): void => {
    for (const each of changes) {
      if (each.kind === 'rollout-log') failpoint(`rollout.${each.row.event.type}.${when}-commit`);
    }
  };
  return async (changes) => {
    come(changes, 'before');
    await commit(changes);
    come(changes, 'after');
  };
}
