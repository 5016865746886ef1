/** The way back: I9, to what; I13, that nothing of what was taken back is taken up after it was confirmed. */
import type * as fleet from '@flaghoist/fleet';
import { type SimulatedAgent, short } from '../agent/agent.ts';
import type { Evidence } from './evidence.ts';

export class Returns {
  readonly #evidence: Evidence;
  /** Agent and hash: taken back, and that was confirmed; when. */
  readonly #returned = new Map<string, number>();

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  /** Which returns were confirmed is lost with the rows that said so. */
  travel(): void {
    this.#returned.clear();
  }

  /** I9: each goes back to what it was proven on, never to what is being taken back or was condemned. */
  ordered({ id, group, target }: fleet.Rollout, reverts: readonly fleet.Revert[]): void {
    const condemned = this.#evidence.world.database.groups.get(group)?.condemned ?? [];
    for (const { agent, to } of reverts) {
      if (to === null || this.#evidence.doubled.has(agent)) continue;
      const isGood = to.hash !== target.hash && !condemned.includes(to.hash);
      const told = () => `rollout ${id} sends ${agent} back to ${short(to.hash)}`;
      this.#evidence.hold('I9', isGood, () => `${told()}, which is condemned`);
      const wasProven = this.#evidence.agentsOf(agent).some(({ ranWell }) => ranWell.has(to.hash));
      this.#evidence.hold('I9', wasProven, () => `${told()}, on which it never was well`);
    }
  }

  /** Whose return has been confirmed. */
  observed(before: fleet.Rollout | null, after: fleet.Rollout): void {
    for (const { agent, state } of after.targets.values()) {
      if (state === 'reverted' && before?.targets.get(agent)?.state !== 'reverted')
        this.#returned.set(`${agent} ${after.target.hash}`, this.#evidence.world.timeline.now);
    }
  }

  /** An agent takes up a configuration that it was sent. */
  taken(agent: SimulatedAgent, hash: string): void {
    const id = this.#evidence.idOf(agent.uid);
    const since = this.#returned.get(`${id} ${hash}`);
    // Over HTTP only the time that it had can tell, and one that hangs for longer deceives us (I13).
    const isHttp = agent.nature.transport === 'http';
    if (id === undefined || since === undefined || isHttp || this.#evidence.doubled.has(id)) return;
    const isNew = this.#evidence.offers.get(id)?.some((offer) => offer.hash === hash && offer.at > since);
    this.#evidence.hold(
      'I13',
      isNew === true,
      () => `its return was confirmed, and it takes up ${short(hash)}: ${agent.describe()}`,
    );
  }
}
