/**
 * One world from one seed: agents, a network, a database, the server processes that come and go over it, operators, and
 * the laws that watch. Everything happens on one timeline; the same seed gives the same world, line by line.
 */
import { hash } from 'node:crypto';
import { decodeAgentToServer, uidFromBytes } from '@flaghoist/opamp';
import type { AgentConnection } from '@flaghoist/opamp/node';
import { type Moment, type SimulatedAgent, short } from './agent/agent.ts';
import type { Nature } from './agent/nature.ts';
import { awaitBlight } from './blight.ts';
import { Database } from './database.ts';
import { Dice } from './dice.ts';
import { Badness, furnish } from './fleet.ts';
import { gust } from './gusts.ts';
import { Laws } from './laws/laws.ts';
import { type HttpExchange, Network, type WebSocketLink } from './network.ts';
import { Operators } from './operators/operators.ts';
import { Servers } from './servers.ts';
import { SECOND, START, Timeline } from './timeline.ts';
import { awaitTravel } from './travel.ts';
import { CALM, type Rates, ratesOf, Weather } from './weather.ts';

/** Some times what the busiest world takes. */
const MOST_STEPS = 60_000;

/** What a world is biased towards: rare situations are sought, not waited for. */
export interface Bias {
  readonly rates?: Partial<Rates>;
  readonly vice?: Nature['vice'];
  /** All of them have bad revisions to deal with. */
  readonly bad?: boolean;
  /** Off in the mutant of the same name. */
  readonly fencing?: boolean;
  readonly shared?: boolean;
  readonly hangs?: boolean;
  readonly blight?: boolean;
  readonly travels?: boolean;
}

export class World {
  readonly seed: number;
  readonly bias: Bias;
  readonly dice: Dice;
  readonly timeline = new Timeline(START);
  readonly weather: Weather;
  readonly network: Network;
  readonly database = new Database(() => this.timeline.now);
  readonly servers: Servers;
  readonly laws: Laws;
  readonly agents: SimulatedAgent[] = [];
  readonly operators: Operators;
  /** `shared`: other processes stand by, and take over when the lease of the one that leads runs out. */
  readonly habits: {
    readonly tick: number;
    readonly shared: boolean;
    /** Who reads slowly hangs: for minutes it comes to nothing that lies in its connection. */
    readonly hangs: boolean;
    /** A larger group of agents that are well, until something befalls them that is not their configuration. */
    readonly blight: boolean;
    /** Images of the database are kept, and one may be put back (I14). */
    readonly travels: boolean;
  };
  readonly faultsUntil: number;
  /** What happened, a line each. */
  readonly log: string[] = [];
  readonly #badness: Badness;
  /** How many things have happened. */
  steps = 0;
  #quiet = 0;

  constructor(seed: number, bias: Bias = {}) {
    this.seed = seed;
    this.bias = bias;
    this.dice = new Dice(seed);
    const { dice } = this;
    this.weather = new Weather(dice.fork(), ratesOf(dice, bias.rates ?? {}));
    this.network = new Network(this);
    this.servers = new Servers(this);
    this.habits = {
      tick: dice.pick([250, 1_000, 1_000]),
      shared: bias.shared ?? dice.chance(0.6),
      hangs: bias.hangs ?? dice.chance(0.1),
      blight: bias.blight ?? dice.chance(0.03),
      travels: bias.travels ?? dice.chance(0.1),
    };
    this.faultsUntil = START + (this.habits.blight ? 300 : dice.int(60, 300)) * SECOND;
    this.#badness = new Badness(this);
    this.database.fencing = bias.fencing ?? true;
    this.laws = new Laws(this);
    this.database.onWriting = (changes) => this.laws.writing(changes);
    this.database.onWritten = (changes) => this.laws.written(changes);
    furnish(this);
    this.operators = new Operators(this);
  }

  // ---- What the parts ask of the world.

  note(line: string): void {
    this.log.push(`${((this.timeline.now - START) / 1_000).toFixed(3)} ${line}`);
  }

  isBad(hash: string, agent: SimulatedAgent): boolean {
    return this.#badness.isBad(hash, agent);
  }

  /** A message has come; `moment` is what its agent was when it sent it. */
  hear(connection: WebSocketLink | HttpExchange, payload: Uint8Array, moment: Moment): void {
    const { plane, agent } = connection;
    plane.do(() => {
      const { control } = plane;
      if (control === undefined) return;
      // What one that was overtaken in its sleep hears is lost with it.
      if (plane === this.servers.serving) agent.heard(moment);
      const { instanceUid, remoteConfigStatus } = decodeAgentToServer(payload);
      const uid = uidFromBytes(instanceUid);
      if (remoteConfigStatus !== undefined) this.laws.heard(connection, uid, remoteConfigStatus);
      control.gateway.message(connection as AgentConnection, payload);
    });
  }

  restart(agent: SimulatedAgent): void {
    if (agent.gone || agent.down) return;
    agent.note('starts anew');
    agent.stop();
    this.timeline.after(this.dice.int(500, 3_000), () => agent.start());
  }

  // ---- The run.

  async run(): Promise<void> {
    const { timeline, laws } = this;
    this.servers.start();
    this.operators.begin();
    if (this.habits.blight) awaitBlight(this);
    if (this.habits.travels) awaitTravel(this);
    const stopWeather = timeline.every(SECOND, () => gust(this));
    timeline.after(this.faultsUntil - START, () => {
      stopWeather();
      this.note('no more faults');
      this.weather.rates = CALM;
    });
    timeline.every(5 * SECOND, () => this.#lookAround());
    const end = this.faultsUntil + 3_600 * SECOND;
    while (laws.violation === undefined && this.#quiet < 3 && timeline.step(end)) {
      this.steps += 1;
      if (this.steps > MOST_STEPS) laws.broken('I16', 'it does not come to rest');
      // Lets promises of this step go on before the next one; it is the same number in every run.
      for (let turn = 0; turn < 12; turn += 1) await null;
    }
    if (laws.violation === undefined) laws.checkEnd();
  }

  /** With the faults over, nothing left to do, and nobody with anything to say, the world may end. */
  #lookAround(): void {
    const { timeline, servers, operators, laws } = this;
    laws.look();
    const isCalm = timeline.now > this.faultsUntil && servers.serving !== undefined && operators.isDone;
    this.#quiet = isCalm && laws.isQuiet() ? this.#quiet + 1 : 0;
  }

  /** Of all that happened, line by line. */
  digest(): string {
    return hash('sha256', this.log.join('\n')).slice(0, 16);
  }

  describe(): string {
    const rollouts = [...this.database.rollouts.values()].map(
      ({ id, group, target, state, pause, counts }) =>
        `  ${id} ${group} to ${target.revision} ${short(target.hash)}: ${state} ${pause?.reason ?? ''} ${JSON.stringify(counts)}`,
    );
    const agents = this.agents.map((agent) => {
      const id = this.laws.idOf(agent.uid);
      const entry = id === undefined ? null : this.database.ledgerOf(id);
      const { phase = '-', source, failure } = entry ?? {};
      const is = entry && `${short(entry.revision.hash)} by ${JSON.stringify(source)} ${failure?.reason ?? ''}`;
      return `  ${id} ${agent.describe()}; ${phase} ${is ?? ''}`;
    });
    return [...rollouts, ...agents].join('\n');
  }
}
