import { setTimeout as sleep } from 'node:timers/promises';
import { SimulatedAgent } from './agent.ts';
import { Composer } from './composer.ts';
import { newLife } from './life.ts';
import { limits } from './limits.ts';
import { type LinkEvent, SocketLink, webSocketUrl } from './link.ts';
import { type AgentPlan, plan } from './plan.ts';
import type { AgentRecord } from './record.ts';
import type { Scenario } from './scenario.ts';

interface FleetOptions {
  /** The server: ws, wss, http or https; the transport of each agent is its own. Default path `/v1/opamp`. */
  readonly url: string;
  readonly scenario: Scenario;
  /** Agents started per second; default 1,000. */
  readonly startsPerSecond?: number;
}

/** Simulated agents that run in this process: they start one after the other, `startsPerSecond`. Disposing ends them. */
export class Fleet implements AsyncDisposable {
  readonly agents: readonly AgentPlan[];
  private readonly members: readonly { readonly agent: SimulatedAgent; readonly link: SocketLink }[];
  /** By agent: when it wants its next turn. */
  private readonly deadlines: Float64Array;
  private readonly timer: NodeJS.Timeout;

  /** @throws TypeError for a URL that cannot be parsed */
  constructor({ url, scenario, startsPerSecond = limits.startsPerSecond }: FleetOptions) {
    this.agents = plan(scenario);
    const address = webSocketUrl(url);
    const composers = new Map(scenario.groups.map((group) => [group, new Composer(group)]));
    const began = clock();
    this.members = this.agents.map((about, i) => {
      const composer = composers.get(about.group) as Composer;
      const link = new SocketLink(address, (event) => this.turn(i, event));
      const startAt = began + (i * 1000) / startsPerSecond;
      return { link, agent: new SimulatedAgent(newLife(about, scenario, composer, link), startAt) };
    });
    this.deadlines = Float64Array.from(this.members, ({ agent }) => agent.deadline);
    this.timer = setInterval(() => this.runDue(), limits.tickMs);
  }

  /** What each agent saw and said up to now; live objects. */
  records(): readonly AgentRecord[] {
    return this.members.map(({ agent }) => agent.record);
  }

  /** The fleet in figures. */
  summary() {
    const sum = (value: (record: AgentRecord) => number) =>
      this.members.reduce((total, { agent }) => total + value(agent.record), 0);
    const offers = sum(({ timesOffered }) => Object.values(timesOffered).reduce((total, times) => total + times, 0));
    return {
      agents: this.agents.length,
      connected: sum(({ connected }) => Number(connected)),
      healthy: sum(({ healthy }) => Number(healthy)),
      offers,
      /** Offers of a hash that the same agent had been offered before. */
      repeatedOffers: offers - sum(({ timesOffered }) => Object.keys(timesOffered).length),
      collectorRestarts: sum(({ collectorRestarts }) => collectorRestarts),
    };
  }

  /** Let `offline-until` agents reach the server. */
  release(): void {
    for (const i of this.agents.keys()) this.turn(i, (agent) => agent.release());
  }

  /** Ends all agents as their Supervisors do. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.timer);
    for (const i of this.members.keys()) this.turn(i, (agent) => agent.stop());
    const deadline = clock() + limits.closeMs;
    while (clock() < deadline && this.members.some(({ link }) => link.open)) await sleep(10);
    for (const { link } of this.members) link.drop();
  }

  private turn(index: number, event?: LinkEvent): void {
    const member = this.members[index];
    if (member === undefined) return;
    const { agent, link } = member;
    link.together(() => agent.turn(clock(), event));
    this.deadlines[index] = agent.deadline;
  }

  /** Looks through all deadlines, which takes 10 µs for 10,000 agents, and needs no order among them. */
  private runDue(): void {
    // What becomes due meanwhile waits for the next time, so that sockets are served in between.
    const now = clock();
    this.deadlines.forEach((at, index) => {
      if (at <= now) this.turn(index);
    });
  }
}

/** Milliseconds since 1970 that never run backwards. */
function clock(): number {
  return performance.timeOrigin + performance.now();
}
