/** A.5, control group: where nearly all that were not touched are ill as well, ill health alone takes no rollout back. */
import * as fleet from '@flaghoist/fleet';
import { SECOND } from '../timeline.ts';
import type { Evidence } from './evidence.ts';

const LEAST_CONTROLS = 20;

export class EnvironmentLaws {
  readonly #evidence: Evidence;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  /** An event of a rollout, and who said so. */
  happens(before: fleet.Rollout, event: fleet.RolloutEvent, author: string): void {
    const [ill, all] = this.#untouched(before);
    const isEnvironment = event.type === 'paused' && event.reason === 'environment';
    this.#evidence.hold(
      'A.5',
      !isEnvironment || all >= LEAST_CONTROLS,
      () => `rollout ${before.id} blames the environment: ${all} agents were not touched`,
    );
    const { failed, unwell } = before.spent;
    const isTakenBack = event.type === 'rollback-started' && author === 'flaghoist' && failed <= unwell;
    this.#evidence.hold(
      'A.5',
      !isTakenBack || all < LEAST_CONTROLS || ill < 0.9 * all,
      () => `rollout ${before.id} is taken back for ill health, and ${ill} of ${all} untouched agents are ill`,
    );
  }

  /** Of the members without a turn that were well when it began: how many have lost health or contact, by their own record, for a while. */
  #untouched(rollout: fleet.Rollout): readonly [ill: number, all: number] {
    const { database, timeline } = this.#evidence.world;
    const members = [...database.identities.values()].filter(
      ({ id, group }) => group?.name === rollout.group && fleet.mayBeAdmitted(rollout, id),
    );
    const agents = members.flatMap(({ id }) => this.#evidence.agentsOf(id));
    const since = rollout.createdAt;
    const ill = agents.filter(({ illSince: at }) => at !== null && at > since && at < timeline.now - 5 * SECOND);
    return [ill.length, agents.length];
  }
}
