import type { AgentId } from '../agents/agent.ts';
import { LIMITS } from '../limits.ts';
import type { Alert, AlertCause, AlertFacts } from './alert.ts';
import type { Complaint } from './complaint.ts';

/** Who an alert is about, counted as they come and go: one step for each, however many there are. */
export class Tally {
  /** Who is concerned now, and everybody who was since the alert was raised. */
  readonly #now: Set<AgentId>;
  readonly #ever: Set<AgentId>;
  #count: number;
  readonly #causes: Map<string, AlertCause>;
  #revision: AlertFacts['revision'];

  constructor(stored?: Alert) {
    this.#now = new Set(stored?.held);
    this.#ever = new Set(stored?.held);
    this.#count = stored?.count ?? 0;
    this.#causes = new Map(stored?.causes.map((cause) => [keyOf(cause), cause]));
    this.#revision = stored?.revision ?? null;
  }

  /** Everybody who was concerned since it was raised, as far as that is remembered. */
  agents(): ReadonlySet<AgentId> {
    return this.#ever;
  }

  /** This agent is concerned. Who was counted already is not counted again. */
  add(agent: AgentId, name: string, complaint: Complaint): void {
    this.#now.add(agent);
    if (this.#ever.has(agent)) return;
    this.#ever.add(agent);
    this.#count += 1;
    this.#revision = complaint.revision;
    this.#blame(complaint, { agent, name });
  }

  /** The same after a start, where the stored alert may count it already. */
  adopt(agent: AgentId): void {
    this.#now.add(agent);
    this.#ever.add(agent);
    this.#count = Math.max(this.#count, this.#now.size);
  }

  remove(agent: AgentId): void {
    this.#now.delete(agent);
  }

  facts(): AlertFacts {
    const causes = [...this.#causes.values()].sort((a, b) => b.count - a.count);
    return { revision: this.#revision, count: this.#count, remaining: this.#now.size, causes };
  }

  held(): AgentId[] {
    return [...this.#now.values().take(LIMITS.alertHeld)];
  }

  #blame({ reason, message: said }: Complaint, example: AlertCause['examples'][number]): void {
    const message = said.slice(0, LIMITS.alertMessage);
    const alike = this.#causes.get(keyOf({ reason, message }));
    // Each may say something else; then what is beyond the bound is counted together.
    const isRoom = this.#causes.size < LIMITS.alertCauses - 1;
    const own = alike ?? { reason, message, count: 0, examples: [] };
    const others = this.#causes.get(OTHERS) ?? { reason: 'other', message: OTHERS, count: 0, examples: [] };
    const { count, examples, ...what } = alike !== undefined || isRoom ? own : others;
    const shown = examples.length < LIMITS.alertExamples ? [...examples, example] : examples;
    this.#causes.set(keyOf(what), { ...what, count: count + 1, examples: shown });
  }
}

/** The message of the cause that stands for all beyond the bound. */
const OTHERS = 'other messages';
const keyOf = ({ reason, message }: Pick<AlertCause, 'reason' | 'message'>): string =>
  message === OTHERS ? OTHERS : `${reason} ${message}`;
