/**
 * A.4: who failed, and has shown that itself, goes back to its own last good revision while the others go on; and at the
 * end nobody is left with what failed on it.
 */
import * as fleet from '@flaghoist/fleet';
import { type SimulatedAgent, short } from '../agent/agent.ts';
import { SECOND } from '../timeline.ts';
import type { Evidence } from './evidence.ts';

/** Time in which we serve until the order stands in the log. */
const AT_ONCE = 10 * SECOND;

export class FailureLaws {
  readonly #evidence: Evidence;
  /** Since when a rollout goes on without a pause, by id. */
  readonly #goesOnSince = new Map<string, number>();

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  /** An event of a rollout. */
  happens(before: fleet.Rollout | null, { id, state }: fleet.Rollout): void {
    const goesOn = state === 'running' || state === 'baking';
    const wentOn = before?.state === 'running' || before?.state === 'baking';
    if (!goesOn) this.#goesOnSince.delete(id);
    else if (!wentOn) this.#goesOnSince.set(id, this.#evidence.world.timeline.now);
  }

  /** An older copy of the database was put back: what it says begins now. */
  travel(): void {
    this.#goesOnSince.clear();
    for (const rollout of this.#evidence.folds.values()) this.happens(null, rollout);
  }

  /** Now and then: nobody who failed waits for longer than an order takes. */
  look(): void {
    for (const [id, since] of this.#goesOnSince) {
      const rollout = this.#evidence.folds.get(id);
      for (const target of rollout?.targets.values() ?? []) {
        if (rollout === undefined || target.state !== 'failed') continue;
        const entry = this.#shown(rollout, target.agent);
        if (entry === undefined) continue;
        const waits = this.#evidence.served(Math.max(since, entry.failure?.at ?? 0, entry.offeredAt));
        this.#evidence.hold(
          'A.4',
          waits < AT_ONCE,
          () =>
            `${target.agent} failed in rollout ${id} (${entry.failure?.reason}), and for ${waits} ms is not ordered back`,
        );
      }
    }
  }

  /** What a member of the group has shown of the revision that it failed on, when there is something that it could go back to. */
  #shown({ id, group, target }: fleet.Rollout, agent: fleet.AgentId): fleet.LedgerEntry | undefined {
    const { database } = this.#evidence.world;
    const identity = database.identities.get(agent);
    const entry = database.ledgerOf(agent);
    const assignment = database.assignments.get(agent);
    if (identity?.group?.name !== group || identity.pin !== null || identity.admission !== 'open') return undefined;
    if (entry === null || assignment === undefined || fleet.broughtBy(entry) !== id) return undefined;
    if (entry.phase !== 'failed' || fleet.meaningOf(entry.failure) === 'silence') return undefined;
    const condemned = database.groups.get(group)?.condemned ?? [];
    const isBad = (hash: string) =>
      hash === target.hash || condemned.includes(hash) || assignment.refused.some((one) => one.hash === hash);
    return assignment.proven.some(({ hash }) => !isBad(hash)) ? entry : undefined;
  }

  /** At the end: an agent that can be reached does not run what failed on it. */
  checkAgent(agent: SimulatedAgent, id: fleet.AgentId): void {
    if (this.#evidence.hasTwin(agent) || this.#evidence.doubled.has(id) || !agent.accepts) return;
    for (const rollout of this.#evidence.folds.values()) {
      if (rollout.state !== 'succeeded' || rollout.targets.get(id)?.state !== 'failed') continue;
      const entry = this.#shown(rollout, id);
      this.#evidence.hold(
        'A.4',
        entry === undefined || agent.runs !== rollout.target.hash,
        () =>
          `${id} ${agent.describe()} is left with ${short(rollout.target.hash)}, which failed on it (${entry?.failure?.reason})`,
      );
    }
  }
}
