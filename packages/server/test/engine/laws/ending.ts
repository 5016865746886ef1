/** I16: with the faults over, everything has come to an end, and it is the true one. */
import * as fleet from '@flaghoist/fleet';
import { type SimulatedAgent, short } from '../agent/agent.ts';
import type { Evidence } from './evidence.ts';
import type { FailureLaws } from './failures.ts';
import { isActive } from './rows.ts';

export class Ending {
  readonly #evidence: Evidence;

  readonly #failures: FailureLaws;

  constructor(evidence: Evidence, failures: FailureLaws) {
    this.#evidence = evidence;
    this.#failures = failures;
  }

  /** Nothing is to come any more, as far as anybody can see. */
  isQuiet(): boolean {
    const { agents, database, network } = this.#evidence.world;
    const waits = [...database.rollouts.values()].some((row) => isActive(row) && row.state !== 'paused');
    if (waits || network.isDown) return false;
    return agents.every((agent) => {
      if (agent.gone) return true;
      const id = this.#evidence.idOf(agent.uid);
      if (id === undefined || agent.down || agent.isBusy) return false;
      const entry = database.ledgerOf(id);
      const isOpen = fleet.isOpen(entry) && (entry?.phase !== 'offered' || this.#canBeSent(agent, id));
      return !isOpen && !this.#isBehind(agent, id);
    });
  }

  #canBeSent(agent: SimulatedAgent, id: fleet.AgentId): boolean {
    return agent.accepts && this.#evidence.world.database.identities.get(id)?.admission === 'open';
  }

  /** The group's stable revision should come to it, and has not. */
  #isBehind(agent: SimulatedAgent, id: fleet.AgentId): boolean {
    const { database } = this.#evidence.world;
    const { admission, group: own, pin } = database.identities.get(id) ?? {};
    const group = database.groups.get(own?.name ?? '');
    if (admission !== 'open' || group?.stable == null || !agent.accepts || pin !== null) return false;
    if (this.#evidence.isLeft(id, group.name) || this.#evidence.hasTwin(agent) || this.#evidence.doubled.has(id))
      return false;
    const { hash } = group.stable;
    const active = [...database.rollouts.values()].some((row) => row.group === group.name && isActive(row));
    if (active || database.ledgerOf(id)?.revision.hash === hash) return false;
    if (database.assignments.get(id)?.refused.some((refusal) => refusal.hash === hash)) return false;
    return !this.#isLaneStopped(group.name);
  }

  #isLaneStopped(group: string): boolean {
    return this.#evidence.world.database.events.some(
      ({ kind, subject }) => kind === 'catch-up.stopped' && subject === `group/${group}`,
    );
  }

  check(): void {
    const { agents, database } = this.#evidence.world;
    for (const row of database.rollouts.values()) {
      const isOver = !isActive(row) || row.state === 'paused';
      this.#evidence.hold('I16', isOver, () => `rollout ${row.id} still is ${row.state}`);
    }
    for (const agent of agents) if (!agent.gone) this.#checkAgent(agent);
  }

  #checkAgent(agent: SimulatedAgent): void {
    const id = this.#evidence.idOf(agent.uid);
    if (id === undefined) return;
    const entry = this.#evidence.world.database.ledgerOf(id);
    const hold = (holds: boolean, what: string) =>
      this.#evidence.hold(
        'I16',
        holds,
        () =>
          `${what} ${id} ${agent.describe()}: ${entry?.phase ?? 'nothing desired'} ${short(entry?.revision.hash ?? '')}`,
      );
    // One that is pinned, and accepts nothing any more or is quarantined, waits for that to change. Two with one uid contradict each other for ever.
    const isTwo = this.#evidence.hasTwin(agent);
    const waits = entry?.phase === 'offered' && !this.#canBeSent(agent, id);
    hold(!fleet.isOpen(entry) || waits || isTwo, 'no outcome for');
    this.#failures.checkAgent(agent, id);
    hold(!this.#isBehind(agent, id), 'it waits for the stable revision:');
    if (isTwo || this.#evidence.doubled.has(id) || entry?.phase !== 'proven') return;
    // It got that by the word of rows that are lost: nothing is sent to it before somebody wants it anew (I14).
    const isOutlived =
      this.#evidence.hasTravelled && !(this.#evidence.offers.get(id) ?? []).some(({ hash }) => hash === agent.runs);
    if (isOutlived) return;
    const goneSince = agent.nature.vice === 'falls-back' || agent.nature.vice === 'rolls-back';
    hold(agent.runs === entry.revision.hash || goneSince, 'it runs something else:');
  }
}
