/**
 * One world from one seed: agents, a network, a database, the server processes that come and go over it, operators, and
 * the laws that watch. Everything happens on one timeline; the same seed gives the same world, line by line.
 */
import { hash } from 'node:crypto';
import type { ConfigFiles, Group, Revision, RevisionRef } from '@flaghoist/fleet';
import { decodeAgentToServer, newUuidV7, uidFromBytes } from '@flaghoist/opamp';
import type { AgentConnection } from '@flaghoist/opamp/node';
import { hashOf } from '../../src/gateway/wire.ts';
import type { Change } from '../../src/storage/store.ts';
import { HABITS, type Moment, type Nature, SimulatedAgent, short, VICES } from './agent.ts';
import { Database } from './database.ts';
import { Dice } from './dice.ts';
import { Laws } from './laws.ts';
import { type HttpExchange, Network, type WebSocketLink } from './network.ts';
import { Operators } from './operators.ts';
import { Plane } from './plane.ts';
import { Timeline } from './timeline.ts';
import { CALM, type Rates, ratesOf, Weather } from './weather.ts';

export const SECOND = 1_000;
const START = Date.UTC(2026, 0, 1);
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
}

/** The texts of a revision; the same in all worlds, so that they are understood once. */
const text = (number: number): string => `receivers:
  otlp:
exporters:
  debug/${number}:
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [debug/${number}]
`;
const LOCAL =
  'receivers:\n  nop:\nexporters:\n  nop:\nservice:\n  pipelines:\n    traces:\n      receivers: [nop]\n      exporters: [nop]\n';

const REVISIONS = Array.from({ length: 6 }, (_, n) => {
  const files: ConfigFiles = { '': { body: text(n + 1), contentType: 'text/yaml' } };
  return { number: n + 1, files, hash: hashOf(files) };
});
const TEXTS = new Map(REVISIONS.map(({ hash, number }) => [hash, text(number)]));

const refOf = (number: number): RevisionRef => ({
  configuration: 'edge',
  revision: number,
  hash: REVISIONS[number - 1]?.hash ?? '',
});

export class World {
  readonly seed: number;
  readonly dice: Dice;
  readonly timeline = new Timeline(START);
  readonly weather: Weather;
  readonly network: Network;
  readonly database = new Database(() => this.timeline.now);
  readonly laws: Laws;
  readonly agents: SimulatedAgent[] = [];
  readonly operators: Operators;
  /** `shared`: other processes stand by, and take over when the lease of the one that leads runs out. */
  readonly habits: {
    readonly tick: number;
    readonly shared: boolean;
    /** Who reads slowly hangs: for minutes it comes to nothing that lies in its connection. */
    readonly hangs: boolean;
  };
  readonly faultsUntil: number;
  /** The process that new connections come to. */
  serving: Plane | undefined;
  /** Those that live, sleepers among them. */
  readonly planes = new Set<Plane>();
  /** When no process served, until it did again. */
  readonly outages: { readonly from: number; until: number }[] = [{ from: START, until: Number.POSITIVE_INFINITY }];
  /** What happened, a line each. */
  readonly log: string[] = [];
  readonly #bias: Bias;
  /** By revision: the share of agents that it is bad for. */
  readonly #badness: number[];
  readonly #bad = new Map<string, boolean>();
  /** How many things have happened. */
  steps = 0;
  #planeCount = 0;
  #quiet = 0;

  constructor(seed: number, bias: Bias = {}) {
    this.seed = seed;
    this.#bias = bias;
    this.dice = new Dice(seed);
    const { dice } = this;
    this.weather = new Weather(dice.fork(), ratesOf(dice, bias.rates ?? {}));
    this.network = new Network(this);
    this.habits = {
      tick: dice.pick([250, 1_000, 1_000]),
      shared: bias.shared ?? dice.chance(0.6),
      hangs: bias.hangs ?? dice.chance(0.1),
    };
    this.faultsUntil = START + dice.int(60, 300) * SECOND;
    this.#badness = REVISIONS.map((_, n) => (n === 0 ? 0 : dice.pick(bias.bad ? [0.5, 1] : [0, 0, 0.3, 1])));
    this.database.fencing = bias.fencing ?? true;
    this.laws = new Laws(this);
    this.database.onWriting = (changes) => this.laws.writing(changes);
    this.database.onWritten = (changes) => this.laws.written(changes);
    this.#furnish();
    this.operators = new Operators(this);
  }

  /** Configurations, groups and agents. In half of the worlds the agents have run revision 1 for long. */
  #furnish(): void {
    const { dice } = this;
    const isSettled = dice.chance(0.5);
    const stable = isSettled ? refOf(1) : null;
    const author = 'ops';
    const createdAt = START;
    const changes: Change[] = [
      { kind: 'configuration', row: { name: 'edge', description: '', createdAt, createdBy: author } },
    ];
    for (const { number, files, hash } of REVISIONS) {
      const row: Revision = {
        configuration: 'edge',
        number,
        hash,
        parent: null,
        createdAt,
        bytes: 1,
        author,
        message: '',
      };
      changes.push({ kind: 'revision', row, files });
    }
    const roles = dice.chance(0.5) ? ['edge', 'core'] : ['edge'];
    for (const name of roles) {
      const strategy = 'all-at-once';
      const row: Group = {
        name,
        selector: `role=${name}`,
        priority: 0,
        configuration: 'edge',
        strategy,
        stable,
        previous: [],
        condemned: [],
        createdAt,
      };
      changes.push({ kind: 'group', row });
    }
    this.database.write(changes);
    const count = dice.int(2, 9);
    for (let n = 0; n < count; n += 1) this.#addAgent(n, roles, isSettled ? refOf(1).hash : '');
  }

  #addAgent(n: number, roles: readonly string[], runs: string): void {
    const { dice } = this;
    const uid = newUuidV7(START + n, dice.bytes(10));
    const nature = this.#nature(n);
    const agent = new SimulatedAgent(this, nature, uid, dice.pick(roles) ?? 'edge', runs);
    this.agents.push(agent);
    // Some come late (I6).
    this.timeline.after(dice.chance(0.25) ? dice.int(10, 200) * SECOND : dice.int(0, 3) * SECOND, () => agent.start());
    if (!dice.chance(0.03)) return;
    // The disk of its host was copied.
    const clone = new SimulatedAgent(this, { ...nature, name: `${nature.name}'` }, uid, agent.role, runs);
    this.agents.push(clone);
    this.timeline.after(dice.int(5, 100) * SECOND, () => clone.start());
  }

  #nature(n: number): Nature {
    const { dice } = this;
    return {
      name: `agent-${n}`,
      vice: this.#bias.vice ?? dice.pick(VICES) ?? 'refuses',
      habit: dice.chance(0.7) ? 'usual' : (dice.pick(HABITS) ?? 'usual'),
      transport: dice.chance(0.3) ? 'http' : 'websocket',
      heartbeat: dice.int(10, 30) * SECOND,
      verdictAfter: dice.pick([2, 5, 10]) * SECOND,
      thinks: dice.int(1, 500),
      restarts: dice.int(200, 4_000),
    };
  }

  // ---- What the parts ask of the world.

  note(line: string): void {
    this.log.push(`${((this.timeline.now - START) / 1_000).toFixed(3)} ${line}`);
  }

  textOf(hash: string): string {
    return TEXTS.get(hash) ?? LOCAL;
  }

  isBad(hash: string, { nature }: SimulatedAgent): boolean {
    const number = REVISIONS.findIndex((revision) => revision.hash === hash);
    const key = `${number} ${nature.name}`;
    const known = this.#bad.get(key) ?? this.dice.chance(this.#badness[number] ?? 0);
    this.#bad.set(key, known);
    return known;
  }

  /** A message has come; `moment` is what its agent was when it sent it. */
  hear(connection: WebSocketLink | HttpExchange, payload: Uint8Array, moment: Moment): void {
    const { plane, agent } = connection;
    plane.do(() => {
      const { control } = plane;
      if (control === undefined) return;
      agent.heardAs = [...agent.heardAs, moment].slice(-5);
      const { instanceUid, remoteConfigStatus } = decodeAgentToServer(payload);
      if (remoteConfigStatus !== undefined) this.laws.heard(plane, uidFromBytes(instanceUid), remoteConfigStatus);
      control.gateway.message(connection as AgentConnection, payload);
    });
  }

  // ---- Server processes.

  startPlane(): void {
    this.#planeCount += 1;
    // A clock that was put back makes nothing early (R22).
    const behind = this.dice.chance(0.1) ? this.dice.int(1, 3_600) * SECOND : 0;
    this.note(`server ${this.#planeCount} starts`);
    this.planes.add(new Plane(this, this.#planeCount, behind));
  }

  /** It has the lease, and reads what it finds. */
  leads(plane: Plane): void {
    this.note(`server ${plane.number} leads`);
    this.laws.checkRows();
  }

  serves(plane: Plane): void {
    this.note(`server ${plane.number} serves`);
    this.serving = plane;
    this.#backAgain();
  }

  #backAgain(): void {
    const outage = this.outages.at(-1);
    if (outage !== undefined) outage.until = Math.min(outage.until, this.timeline.now);
  }

  #awayFrom(): void {
    if (this.outages.at(-1)?.until !== Number.POSITIVE_INFINITY)
      this.outages.push({ from: this.timeline.now, until: Number.POSITIVE_INFINITY });
  }

  /** It ends here, whatever it was doing; another one starts, soon or after minutes. */
  crash(plane: Plane, why: string): void {
    if (!plane.isAlive()) return;
    this.note(`server ${plane.number} ends: ${why}`);
    plane.die();
    this.planes.delete(plane);
    this.network.ended(plane);
    this.laws.ended(plane);
    if (this.serving === plane) {
      this.serving = undefined;
      this.#awayFrom();
    }
    const isSucceeded = [...this.planes].some(({ isAsleep }) => !isAsleep);
    if (!isSucceeded) this.timeline.after(this.#downtime(), () => this.#startUnlessThere());
  }

  #startUnlessThere(): void {
    if (![...this.planes].some(({ isAsleep }) => !isAsleep)) this.startPlane();
  }

  #downtime(): number {
    return this.dice.chance(0.15) ? this.dice.int(30, 200) * SECOND : this.dice.int(200, 5_000);
  }

  /** It sleeps on; when its lease has ended another one takes over, and some time later it goes on as if nothing had been. */
  #putToSleep(plane: Plane): void {
    this.note(`server ${plane.number} sleeps`);
    plane.sleep();
    const { timeline, dice } = this;
    if (this.serving === plane) this.#awayFrom();
    if (this.habits.shared) timeline.after(dice.int(0, 10) * SECOND, () => this.#startUnlessThere());
    timeline.after(dice.pick([dice.int(1, 9) * SECOND, dice.int(11, 70) * SECOND]), () => {
      if (!plane.isAlive()) return;
      this.note(`server ${plane.number} wakes up`);
      if (this.serving === plane) this.#backAgain();
      plane.wake();
    });
  }

  // ---- Weather.

  restart(agent: SimulatedAgent): void {
    if (agent.gone || agent.down) return;
    this.note(`${agent.nature.name} starts anew`);
    agent.stop();
    this.timeline.after(this.dice.int(500, 3_000), () => agent.start());
  }

  #gust(): void {
    const { dice, network } = this;
    const { rates } = this.weather;
    for (const agent of this.agents) this.#trouble(agent);
    if (this.serving !== undefined) {
      if (dice.chance(rates.crash)) this.crash(this.serving, 'killed');
      else if (!this.serving.isAsleep && dice.chance(rates.sleep)) this.#putToSleep(this.serving);
    }
    if (!network.isDown && dice.chance(rates.outage)) this.#outage();
  }

  #trouble(agent: SimulatedAgent): void {
    const { dice, network, timeline } = this;
    const { rates } = this.weather;
    const { link } = agent;
    if (link !== undefined && dice.chance(rates.cut))
      network.cut(link, { agent: dice.int(0, 100), plane: dice.int(0, 100) });
    else if (link !== undefined && dice.chance(rates.halfOpen))
      network.cut(link, { agent: dice.int(0, 1_000), plane: dice.int(10, 60) * SECOND });
    if (dice.chance(rates.restart)) this.restart(agent);
    if (!agent.down && dice.chance(rates.away)) {
      this.note(`${agent.nature.name} is away`);
      agent.stop();
      timeline.after(dice.int(20, 240) * SECOND, () => agent.start());
    }
    if (dice.chance(rates.move)) agent.move(agent.role === 'edge' ? 'core' : 'edge');
  }

  #outage(): void {
    const { dice, network, timeline } = this;
    this.note('nobody reaches the server');
    network.isDown = true;
    for (const link of network.links) network.cut(link, { agent: dice.int(0, 5_000), plane: dice.int(0, 5_000) });
    for (const exchange of network.exchanges) exchange.fail();
    timeline.after(dice.int(2, 60) * SECOND, () => {
      network.isDown = false;
    });
  }

  // ---- The run.

  async run(): Promise<void> {
    const { timeline, laws } = this;
    this.startPlane();
    this.operators.begin();
    const stopWeather = timeline.every(SECOND, () => this.#gust());
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
    const isCalm = this.timeline.now > this.faultsUntil && this.serving !== undefined && this.operators.isDone;
    this.#quiet = isCalm && this.laws.isQuiet() ? this.#quiet + 1 : 0;
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
