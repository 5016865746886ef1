/** The network between agents and server processes: order within a connection, none between connections, and loss with it. */
import { decodeServerToAgent, type ServerToAgent } from '@flaghoist/opamp';
import type { AgentConnection } from '@flaghoist/opamp/node';
import type { Moment, SimulatedAgent } from './agent/agent.ts';
import type { Plane } from './plane.ts';
import type { World } from './world.ts';

/** Joined, as the agent reads them. */
function whole(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

/** A WebSocket. Both ends learn of its end, each in its own time. */
export class WebSocketLink implements AgentConnection {
  readonly link: AgentConnection['link'];
  readonly agent: SimulatedAgent;
  readonly plane: Plane;
  readonly #world: World;
  /** False once the way is cut: what has not arrived is lost. */
  #isWhole = true;
  /** When the last message of each direction arrives: the next one comes later. */
  #lastArrival = { up: 0, down: 0 };
  /** The hash last offered over it (I5). */
  lastOffer: string | undefined;
  bufferedAmount = 0;

  constructor(world: World, agent: SimulatedAgent, plane: Plane, number: number) {
    this.#world = world;
    this.agent = agent;
    this.plane = plane;
    this.link = { id: `ws-${plane.number}-${number}`, transport: 'websocket' };
  }

  get isWhole(): boolean {
    return this.#isWhole;
  }

  send(parts: readonly Uint8Array[]): boolean {
    this.plane.effect();
    if (!this.plane.isAlive()) return false;
    const bytes = whole(parts);
    const message = decodeServerToAgent(bytes);
    if (message.remoteConfig !== undefined) {
      this.#world.laws.offered(this, message.instanceUid, message.remoteConfig);
      // A slow reader: the connection is busy for a while.
      if (this.#world.dice.chance(0.05)) {
        this.bufferedAmount = 1;
        this.#world.timeline.after(500, () => {
          this.bufferedAmount = 0;
        });
      }
    }
    this.#arrive('down', () => this.agent.arrived(this, message));
    return true;
  }

  /** From the agent. */
  say(payload: Uint8Array, moment: Moment): void {
    this.#arrive('up', () => this.#world.hear(this, payload, moment));
  }

  #arrive(way: 'up' | 'down', work: () => void): void {
    const { timeline } = this.#world;
    const at = Math.max(timeline.now + this.#world.weather.latency(), this.#lastArrival[way]);
    this.#lastArrival[way] = at;
    // What was on the way up when the connection broke may have come through all the same.
    const survives = way === 'up' && this.#world.dice.chance(0.5);
    timeline.after(at - timeline.now, () => {
      if (this.#isWhole || survives) work();
    });
  }

  /** The server closes it: the agent reads that behind everything before it. */
  end(): void {
    this.plane.effect();
    if (!this.plane.isAlive()) return;
    this.#arrive('down', () => this.agent.arrived(this, 'closed'));
  }

  /** Cut; each end notices after so many ms, an agent that is gone never does. */
  cut(notices: { readonly agent: number; readonly plane: number }): void {
    if (!this.#isWhole) return;
    this.#isWhole = false;
    const { timeline } = this.#world;
    timeline.after(notices.agent, () => this.agent.lost(this));
    const closed = Math.max(notices.plane, this.#lastArrival.up - timeline.now);
    timeline.after(closed, () => this.plane.do(() => this.plane.control?.gateway.closed(this)));
  }
}

/** One POST and its answer. */
export class HttpExchange implements AgentConnection {
  readonly link: AgentConnection['link'];
  readonly agent: SimulatedAgent;
  readonly plane: Plane;
  /** When the agent's process started that posts it. */
  readonly process: number;
  readonly #world: World;
  #answered = false;
  #isOver = false;
  readonly bufferedAmount = 0;
  /** One that a proxy repeated: nobody waits for its answer. */
  readonly #isGhost: boolean;
  readonly #done: (answer: ServerToAgent | undefined) => void;

  constructor(
    world: World,
    agent: SimulatedAgent,
    plane: Plane,
    isGhost: boolean,
    done: (answer: ServerToAgent | undefined) => void,
  ) {
    this.#world = world;
    this.agent = agent;
    this.plane = plane;
    this.process = agent.startedAt;
    this.#isGhost = isGhost;
    this.#done = done;
    this.link = { id: `http-${plane.number}`, transport: 'http' };
  }

  post(payload: Uint8Array, moment: Moment): void {
    const { timeline, weather } = this.#world;
    timeline.after(weather.latency(), () => {
      if (!this.plane.isAlive()) this.fail();
      else this.#world.hear(this, payload, moment);
    });
  }

  send(parts: readonly Uint8Array[]): boolean {
    this.plane.effect();
    if (!this.plane.isAlive() || this.#answered) return false;
    this.#answered = true;
    const message = decodeServerToAgent(whole(parts));
    if (message.remoteConfig !== undefined) this.#world.laws.offered(this, message.instanceUid, message.remoteConfig);
    const { timeline, weather, dice } = this.#world;
    const isLost = dice.chance(weather.rates.lostResponse);
    timeline.after(weather.latency(), () => {
      this.plane.do(() => this.plane.control?.gateway.closed(this));
      if (isLost) this.fail();
      else this.#end(message);
    });
    return true;
  }

  end(): void {}

  /** No answer comes. */
  fail(): void {
    this.#end(undefined);
  }

  #end(message: ServerToAgent | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#world.network.exchanges.delete(this);
    if (!this.#isGhost) this.#done(message);
  }
}

/** Everything that is open. */
export class Network {
  readonly #world: World;
  readonly links = new Set<WebSocketLink>();
  readonly exchanges = new Set<HttpExchange>();
  #count = 0;
  /** Nobody reaches anybody. */
  isDown = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** A WebSocket to the process that serves; undefined when there is none, or no way to it. */
  connect(agent: SimulatedAgent): WebSocketLink | undefined {
    const { serving } = this.#world.servers;
    if (serving === undefined || this.isDown) return undefined;
    this.#count += 1;
    const link = new WebSocketLink(this.#world, agent, serving, this.#count);
    this.links.add(link);
    return link;
  }

  /** Sends a request; false when nothing listens. */
  post(
    agent: SimulatedAgent,
    payload: Uint8Array,
    moment: Moment,
    done: (answer: ServerToAgent | undefined) => void,
  ): boolean {
    const { dice, servers, weather } = this.#world;
    const { serving } = servers;
    if (serving === undefined || this.isDown) return false;
    const send = (isGhost: boolean) => {
      const exchange = new HttpExchange(this.#world, agent, serving, isGhost, done);
      this.exchanges.add(exchange);
      exchange.post(payload, moment);
    };
    send(false);
    if (dice.chance(weather.rates.repeated)) send(true);
    return true;
  }

  cut(link: WebSocketLink, notices: { readonly agent: number; readonly plane: number }): void {
    this.links.delete(link);
    link.cut(notices);
  }

  /** A process has ended: its connections with it. */
  ended(plane: Plane): void {
    const { dice } = this.#world;
    for (const link of this.links) if (link.plane === plane) this.cut(link, { agent: dice.int(1, 2_000), plane: 0 });
    for (const exchange of this.exchanges) if (exchange.plane === plane) exchange.fail();
  }
}
