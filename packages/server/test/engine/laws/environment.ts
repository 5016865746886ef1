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
    // The decision stands in one transaction with what it goes by.
    const untouched = this.#evidence
      .identities()
      .filter(({ id, group }) => group?.name === before.group && fleet.mayBeAdmitted(before, id));
    const isEnvironment = event.type === 'paused' && event.reason === 'environment';
    this.#evidence.hold(
      'A.5',
      !isEnvironment || untouched.length >= LEAST_CONTROLS,
      () => `rollout ${before.id} blames the environment: ${untouched.length} agents were not touched`,
    );
    const { failed, unwell } = before.spent;
    const isTakenBack = event.type === 'rollback-started' && author === 'flaghoist' && failed <= unwell;
    const [ill, all] = this.#worse(untouched, before.createdAt);
    this.#evidence.hold(
      'A.5',
      !isTakenBack || all < LEAST_CONTROLS || ill < 0.9 * all,
      () => `rollout ${before.id} is taken back for ill health, and ${ill} of ${all} untouched agents are ill`,
    );
  }

  /**
   * Of those that were well when it began: how many have lost health or contact since, by their own record, for a while. Who
   * had neither could not lose it, nor who was heard to be ill before and to be well never since; of clones, which are one
   * agent to us, it cannot be said.
   */
  #worse(untouched: readonly fleet.AgentIdentity[], since: number): readonly [ill: number, all: number] {
    const { now } = this.#evidence.world.timeline;
    const agents = untouched.flatMap(({ id }) => {
      const [agent, ...twins] = this.#evidence.agentsOf(id);
      return agent === undefined || twins.length > 0 ? [] : [agent];
    });
    const isSince = (at: number | null): boolean => at === null || at > since;
    const wasWell = agents.filter(({ illSince, heardIllSince }) => isSince(illSince) && isSince(heardIllSince));
    const ill = wasWell.filter(({ illSince }) => illSince !== null && illSince < now - 5 * SECOND);
    return [ill.length, wasWell.length];
  }
}
