/**
 * The lease row, as the writing thread sees it: who may write (A.8 "Leader"). The clock is the database's. The lease keeps
 * two servers from working against each other; what makes it safe is that each commit asks for its epoch.
 */
import type { DatabaseSync } from 'node:sqlite';
import { type Lease, StoreError } from './store.ts';

export function leaseOf(db: DatabaseSync, { holder, leaseTime }: { holder: string; leaseTime: number }) {
  const sql = db.createTagStore();
  let epoch: number | null = null;

  const present = (): Lease & { readonly commits: number } => {
    const row = sql.get`SELECT holder, epoch, expires_at AS expiresAt, commits FROM leases WHERE shard = 'plane'`;
    return row as unknown as Lease & { commits: number };
  };

  function fenced(): StoreError {
    const other = present();
    const why =
      epoch === null
        ? 'this server has not taken the lease of the database'
        : `another server has taken over (${other.holder}, epoch ${other.epoch}), since this one (epoch ${epoch}) was away for ` +
          'longer than its lease. Nothing of what it still meant to do was done; start it again to have it wait its turn';
    return new StoreError('fenced', why);
  }

  return {
    present,

    /**
     * Whether it could be taken: it has run out, was given up, or is `certain` to be nobody's. One that ends further off than
     * a lease can is of a clock that was put back since.
     */
    take(certain: boolean): boolean {
      const taken = sql.get`
        UPDATE leases
        SET holder = ${holder}, epoch = epoch + 1, expires_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) + ${leaseTime}
        WHERE shard = 'plane' AND (
          ${Number(certain)} OR expires_at - unixepoch('subsec') * 1000 NOT BETWEEN 1 AND ${2 * leaseTime}
        )
        RETURNING epoch`;
      if (taken !== undefined) epoch = Number(taken['epoch']);
      return taken !== undefined;
    },

    isHeld: (): boolean => epoch !== null,

    /** @throws StoreError `fenced` */
    renew(): void {
      const { changes } = sql.run`
        UPDATE leases SET expires_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) + ${leaseTime}
        WHERE shard = 'plane' AND holder = ${holder} AND epoch = ${epoch}`;
      if (changes === 0) throw fenced();
    },

    /** Counts a commit, in its transaction, and returns how many there were. @throws StoreError `fenced` */
    fence(): number {
      const counted = sql.get`
        UPDATE leases SET commits = commits + 1
        WHERE shard = 'plane' AND holder = ${holder} AND epoch = ${epoch}
        RETURNING commits`;
      if (counted === undefined) throw fenced();
      return Number(counted['commits']);
    },

    /** Numbering goes on behind `commits`, so that no commit of another history has a number of this one. */
    skipTo: (commits: number): void => void sql.run`UPDATE leases SET commits = ${commits} WHERE shard = 'plane'`,

    giveUp: (): void =>
      void sql.run`
      UPDATE leases SET expires_at = 0 WHERE shard = 'plane' AND holder = ${holder} AND epoch = ${epoch}`,
  };
}
