import type { AgentId } from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';

/** The members of a group that have had no turn in a rollout, by stage, each stage in the order of its turns. */
export class Waiting {
  readonly #stages: Map<AgentId, Member>[] = [];
  readonly #stageOf = new Map<AgentId, number>();

  get size(): number {
    return this.#stageOf.size;
  }

  /** How many wait for that stage. */
  countOf(stage: number): number {
    return this.#stages[stage]?.size ?? 0;
  }

  has(id: AgentId): boolean {
    return this.#stageOf.has(id);
  }

  /** Puts a member into its stage: at the end, unless it is there already. */
  put(stage: number, member: Member): void {
    const { id } = member.agent.identity;
    if (this.#stageOf.get(id) === stage) return;
    this.delete(id);
    this.#stageOf.set(id, stage);
    for (let known = this.#stages.length; known <= stage; known += 1) this.#stages.push(new Map());
    this.#stages[stage]?.set(id, member);
  }

  delete(id: AgentId): void {
    const stage = this.#stageOf.get(id);
    if (stage === undefined) return;
    this.#stageOf.delete(id);
    this.#stages[stage]?.delete(id);
  }

  ids(): IterableIterator<AgentId> {
    return this.#stageOf.keys();
  }

  /** Those of a stage and of all before it. */
  *upTo(stage: number): Generator<Member> {
    for (const members of this.#stages.slice(0, stage + 1)) yield* members.values();
  }
}
