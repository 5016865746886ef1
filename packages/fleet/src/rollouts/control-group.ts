/** Whether agents that were not touched degrade as those that were: then it is not the revision (A.5). */
import type { Instant } from '../time.ts';
import type { Placed } from './plan.ts';
import { mayBeAdmitted, type Rollout } from './rollout.ts';

/** Of so many agents, how many lost contact or health. */
export interface Degraded {
  readonly bad: number;
  readonly all: number;
}

/** Fewer untouched agents than this tell nothing. */
const LEAST_CONTROLS = 20;
const SIGNIFICANT = 0.05;

/**
 * True when what happened to the `updated` may as well be chance, seen what happened to the `control` group. Where nothing
 * happened to that, there is no other cause to suspect, however few the updated are.
 */
export function isAlike(updated: Degraded, control: Degraded): boolean {
  return control.all >= LEAST_CONTROLS && control.bad > 0 && fisher(updated, control) >= SIGNIFICANT;
}

/**
 * Fisher's exact test, one-sided: how probable it is that of all that are bad so many, or more, are among the updated, if
 * it made no difference. 1 of 3 against 0 of 500 is 0.006, 1 of 3 against 50 of 500 is 0.27.
 */
export function fisher(updated: Degraded, control: Degraded): number {
  const bad = updated.bad + control.bad;
  const all = updated.all + control.all;
  let sum = 0;
  for (let k = updated.bad; k <= Math.min(updated.all, bad); k += 1) {
    sum += Math.exp(choose(bad, k) + choose(all - bad, updated.all - k) - choose(all, updated.all));
  }
  return Math.min(1, sum);
}

/** Logarithm of the binomial coefficient; of what cannot be chosen, minus infinity. */
function choose(n: number, k: number): number {
  if (k < 0 || k > n) return Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = 1; i <= Math.min(k, n - k); i += 1) sum += Math.log((n - i + 1) / i);
  return sum;
}

/**
 * How the members without a turn got on since the rollout began. To be asked once agents had their time to come back after
 * our own start at `upSince`: who was not heard since is gone, as a target would be.
 */
export function controlGroup(rollout: Rollout, members: Iterable<Placed>, upSince: Instant): Degraded {
  let bad = 0;
  let all = 0;
  for (const { agent, presence } of members) {
    if (!mayBeAdmitted(rollout, agent.identity.id)) continue;
    const { health } = agent.report;
    const goneSince = presence.lastSeen === null ? upSince : presence.disconnectedAt;
    const goneAt = presence.connected ? null : goneSince;
    const illAt = health?.healthy === false ? health.at : null;
    // Who was away or ill before tells nothing either way.
    const worseAt = goneAt ?? illAt;
    if (worseAt !== null && worseAt < rollout.createdAt) continue;
    all += 1;
    if (worseAt !== null) bad += 1;
  }
  return { bad, all };
}
