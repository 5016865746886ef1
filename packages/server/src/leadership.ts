/** One server leads at a time; what the others, and one that was stopped for a while, do meanwhile (A.8 "Leader", R7). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Store } from './storage/store.ts';

type Leading = Pick<Store, 'lead' | 'leads'>;

/** Waits, `every` ms, until this server leads; says in the log for whom. */
export async function takeLead(store: Leading, logger: Logger, every: number): Promise<void> {
  let told = 0;
  for (;;) {
    const other = await store.lead();
    if (other === null) return;
    const { holder, epoch, expiresAt } = other;
    const until = new Date(expiresAt).toISOString();
    if (epoch !== told) logger.info({ holder, until }, 'another server leads: this one waits to take over from it');
    told = epoch;
    await sleep(every);
  }
}

/**
 * Runs work at once where it is sure that this server still leads; else once that is known, in the order of asking. Where
 * it does not, never: whoever renews the lease hears of that.
 */
export function whenLeading(store: Leading): (work: () => void) => void {
  let asked: Promise<unknown> | null = null;
  return (work) => {
    if (asked === null && store.leads()) return work();
    asked ??= store.lead().finally(() => {
      asked = null;
    });
    asked.then(work, () => {});
  };
}
