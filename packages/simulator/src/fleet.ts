import { Agenda } from './agenda.ts';
import { SimulatedAgent } from './agent.ts';
import { AgentLink, Network } from './agent-link.ts';
import { build } from './build.ts';
import { Composer } from './composer.ts';
import type { AgentEvent } from './effect.ts';
import { limits } from './limits.ts';
import { type AgentPlan, plan } from './plan.ts';
import type { AgentRecord, FleetEvent } from './record.ts';
import { sharedAttributes } from './report.ts';
import type { Scenario, ScenarioGroup } from './scenario.ts';
import { type FleetSummary, summarize } from './summary.ts';

export interface FleetOptions {
  /** The server: ws, wss, http or https; the transport of each agent is its own. Default path `/v1/opamp`. */
  readonly url: string;
  readonly scenario: Scenario;
  /** Instead of the scenario's. */
  readonly seed?: number;
  /** Local addresses to connect from, in turns: one address has about 28,000 ports. */
  readonly sourceAddresses?: readonly string[];
  /** Agents started per second; default 1,000. */
  readonly startsPerSecond?: number;
  /** Stops the fleet, with a goodbye. */
  readonly signal?: AbortSignal;
  /** Called for every event of every agent: be quick. */
  readonly onEvent?: (event: FleetEvent) => void;
}

/** Simulated agents that run in this process. */
export class Fleet implements AsyncDisposable {
  readonly agents: readonly AgentPlan[];
  private readonly simulated: readonly SimulatedAgent[];
  private readonly links: readonly AgentLink[];
  private readonly network: Network;
  private readonly agenda: Agenda;
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Number.POSITIVE_INFINITY;
  private lastOfferAt = 0;
  private stopping: Promise<void> | undefined;

  constructor({
    url,
    scenario: given,
    seed = given.seed,
    sourceAddresses = [],
    startsPerSecond,
    onEvent,
  }: FleetOptions) {
    const scenario = { ...given, seed };
    const pace = 1000 / (startsPerSecond ?? limits.startsPerSecond);
    const observe = (event: FleetEvent) => {
      if (event.kind === 'offered') this.lastOfferAt = event.at;
      onEvent?.(event);
    };
    this.agents = plan(scenario);
    this.network = new Network(url);
    this.agenda = new Agenda(this.agents.length);
    const composers = composersOf(scenario.groups);
    const began = clock();
    this.simulated = this.agents.map((agent, i) => {
      const composer = composers.get(agent.group.name);
      if (composer === undefined) throw new Error(`no group is named ${agent.group.name}`);
      return new SimulatedAgent({ plan: agent, scenario, composer, startAt: began + i * pace, observe });
    });
    this.links = this.agents.map((_, i) => {
      const address = sourceAddresses[i % sourceAddresses.length];
      return new AgentLink(this.network, address, (event) => this.step(i, event));
    });
    for (const [i, agent] of this.simulated.entries()) this.agenda.plan(i, agent.deadline);
    this.arm();
  }

  /** What each agent saw and said up to now; live objects. */
  records(): readonly AgentRecord[] {
    return this.simulated.map(({ record }) => record);
  }

  summary(): FleetSummary {
    return summarize(this.records());
  }

  /** Let `offline-until` agents without an end reach the server; all, or these. */
  release(indexes: readonly number[] = this.agents.map(({ index }) => index)): void {
    for (const index of indexes) this.step(index, { on: 'release' });
  }

  /**
   * Resolves once every agent is connected (or away) and at rest, and no offer came for `quietMs`; also when the fleet
   * stops. Agents that crash, flap or stay silent do not hold it up.
   */
  async settled(quietMs = 0): Promise<void> {
    while (this.stopping === undefined) {
      const quiet = clock() - this.lastOfferAt >= quietMs;
      if (quiet && this.simulated.every((agent) => agent.settled)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends all agents; with `goodbye` as the Supervisor does, else as if the machines lost their power. */
  stop({ goodbye = true }: { readonly goodbye?: boolean } = {}): Promise<void> {
    this.stopping ??= this.end(goodbye);
    return this.stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async end(goodbye: boolean): Promise<void> {
    clearTimeout(this.timer);
    for (const [i, agent] of this.simulated.entries()) {
      if (goodbye) this.step(i, { on: 'stop' });
      else {
        this.links[i]?.drop();
        agent.step({ on: 'stop' }, clock());
      }
    }
    const deadline = clock() + limits.closeMs;
    while (clock() < deadline && this.links.some((link) => link.open)) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const link of this.links) link.drop();
    this.network.requests.destroy();
  }

  private step(index: number, event: AgentEvent): void {
    const agent = this.simulated[index];
    const link = this.links[index];
    if (agent === undefined || link === undefined) return;
    link.perform(agent.step(event, clock()), agent.record.uid);
    this.agenda.plan(index, agent.deadline);
    this.arm();
  }

  /** One timer for the whole fleet. */
  private arm(): void {
    const next = this.agenda.next();
    if (next >= this.timerAt || this.stopping !== undefined) return;
    clearTimeout(this.timer);
    this.timerAt = next;
    this.timer = setTimeout(() => this.runDue(), Math.max(0, next - clock()));
  }

  private runDue(): void {
    // Those that become due meanwhile wait for the next turn, so that sockets are served in between.
    const now = clock();
    this.timerAt = Number.NEGATIVE_INFINITY;
    for (let index = this.agenda.take(now); index !== undefined; index = this.agenda.take(now)) {
      this.step(index, { on: 'time' });
    }
    this.timerAt = Number.POSITIVE_INFINITY;
    this.arm();
  }
}

/**
 * Start a fleet. It resolves at once; the agents start one after the other, `startsPerSecond`. Throws for a URL that
 * cannot be parsed.
 */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const fleet = new Fleet(options);
  const { signal } = options;
  if (signal?.aborted) await fleet.stop();
  else signal?.addEventListener('abort', () => void fleet.stop(), { once: true });
  return fleet;
}

/** Agents of groups that differ in nothing that is composed share their compositions. */
function composersOf(groups: readonly ScenarioGroup[]): ReadonlyMap<string, Composer> {
  return new Map(
    groups.map((group) => {
      const attributes = sharedAttributes(group);
      const site = {
        build: build(group.version),
        attributes,
        local: group.config,
        effectiveBytes: group.effectiveConfigSize,
      };
      return [group.name, new Composer(site)];
    }),
  );
}

/** Milliseconds since 1970 that never run backwards. */
function clock(): number {
  return performance.timeOrigin + performance.now();
}
