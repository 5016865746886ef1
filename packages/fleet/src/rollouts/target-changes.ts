/** How the targets of a rollout change, and what that uses up: the part of the machine that counts. */
import type { AgentId } from '../agents/agent.ts';
import type { Instant } from '../time.ts';
import type { Rollout, Spent, Target, TargetState } from './rollout.ts';

/** What becomes of a target; `late` and `stage` stay as they are where they are not said. */
export type Change = Omit<Target, 'late' | 'stage' | 'at'> & Partial<Pick<Target, 'late' | 'stage'>>;

const WITHOUT_A_TURN: ReadonlySet<TargetState> = new Set<TargetState>(['deferred', 'skipped']);

/**
 * Whether what is observed may change a target: a failure stands (I4), and what was proven can only fail afterwards. An
 * agent that has to be sent the revision again after its state was lost has had its turn; it takes no place from another.
 * Who was deferred or skipped comes back by admission alone (I1), who is taken back is heard of as that alone.
 */
function mayBecome(before: TargetState | undefined, next: TargetState): boolean {
  const isReturn = next === 'reverted' || next === 'revert-unconfirmed';
  if (before === 'reverting') return isReturn || next === 'skipped';
  if (before === 'revert-unconfirmed') return next === 'reverted';
  if (isReturn || before === 'failed' || before === 'reverted') return false;
  if (before === 'proven') return next === 'failed';
  if (before === 'inconclusive') return next === 'failed' || next === 'proven';
  return before === undefined || !WITHOUT_A_TURN.has(before);
}

/** Failures are counted once, and never taken back (I4); who vanished after the offer counts by itself. */
function spend({ failed, unwell, lost }: Spent, { reason }: Change): Spent {
  if (reason === 'lost-contact') return { failed, unwell, lost: lost + 1 };
  return { failed: failed + 1, unwell: unwell + (UNWELL.has(reason) ? 1 : 0), lost };
}

/** Failures of health alone, which may have another cause (A.5, control group). */
const UNWELL: ReadonlySet<Target['reason'] | 'late-regression'> = new Set(['unhealthy', 'late-regression'] as const);

/** Applies target changes, of one agent in their order; `force` those that an event of ours orders. */
export function withTargets(rollout: Rollout, changes: readonly Change[], now: Instant, force = false): Rollout {
  const counts = { ...rollout.counts };
  let { spent } = rollout;
  const changed = new Map<AgentId, Target>();
  for (const change of changes) {
    const { agent, state } = change;
    const before = changed.get(agent) ?? rollout.targets.get(agent);
    if (before?.state === state || (!force && !mayBecome(before?.state, state))) continue;
    if (before !== undefined) counts[before.state] -= 1;
    counts[state] += 1;
    if (state === 'failed') spent = spend(spent, change);
    const { late = false, stage = rollout.stage } = before ?? {};
    // What it was taken back for stays told.
    const { reason, message } = state === 'reverted' && before !== undefined ? before : change;
    changed.set(agent, { late, stage, ...change, reason, message, at: now });
  }
  if (changed.size === 0) return rollout;
  // Admitted again after having been taken back, as an agent that cannot be reached may be for ever, is no progress (I16).
  const isAgain = ({ agent, state }: Target) => state === 'offered' && rollout.targets.has(agent);
  const isProgress = changed.values().some((one) => !isAgain(one) && !WITHOUT_A_TURN.has(one.state));
  const lastProgress = isProgress ? now : rollout.lastProgress;
  return { ...rollout, targets: rollout.targets.with([...changed.values()]), counts, spent, lastProgress };
}
