import type { AgentId } from '@flaghoist/fleet';

/** An offer that may leave once its record is durable, on that connection epoch and no other. */
export interface Dispatch {
  readonly hash: string;
  readonly epoch: string;
}

/** The way to the agents, as the loop needs it. */
export interface AgentPlane {
  /**
   * Whether an offer can leave now. `later`: its connection is busy, ask in the next turn; `no`: not before the agent
   * speaks, as over HTTP, where only the answer to a poll can carry it.
   */
  canSend(agent: AgentId): 'now' | 'later' | 'no';
  /** Whether the configuration with this hash is at hand, encoded; if not it is fetched, and the agent touched then. */
  ready(agent: AgentId, hash: string): boolean;
  askFullState(agent: AgentId): void;
  /**
   * Takes the answers that wait for this turn; the result sends them, with these offers, once the turn is durable, and
   * tells whose offer could not leave after all.
   */
  hold(offers: ReadonlyMap<AgentId, Dispatch>): () => AgentId[];
}
