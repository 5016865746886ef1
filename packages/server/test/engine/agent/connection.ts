/** How an agent speaks with the server: a WebSocket or requests, tried again ever more seldom, and an inbox that it reads in order. */
import type { ServerToAgent } from '@flaghoist/opamp';
import type { WebSocketLink } from '../network.ts';
import type { World } from '../world.ts';
import type { Moment, SimulatedAgent } from './agent.ts';

/** A message, or the end of the connection that it came over. */
export interface Letter {
  readonly message: ServerToAgent | 'closed';
  readonly over: WebSocketLink | null;
}

/** Of one process of the agent: the next one has another. */
export class Connection {
  readonly #world: World;
  readonly #agent: SimulatedAgent;
  link: WebSocketLink | undefined;
  #inbox: Letter[] = [];
  #isThinking = false;
  #isFlushing = false;
  #isPosting = false;
  #backoff: number;

  constructor(world: World, agent: SimulatedAgent, backoff: number) {
    this.#world = world;
    this.#agent = agent;
    this.#backoff = backoff;
  }

  /** It outlives the process that waits. */
  get backoff(): number {
    return this.#backoff;
  }

  get isReading(): boolean {
    return this.#isThinking || this.#inbox.length > 0;
  }

  open(): void {
    if (this.#agent.nature.transport === 'http') {
      this.send();
      return;
    }
    if (this.link !== undefined) return;
    this.link = this.#world.network.connect(this.#agent);
    if (this.link === undefined) {
      this.#retryLater(() => this.open());
      return;
    }
    this.#backoff = 500;
    // What waits, at least the number: the server has to hear of it.
    this.send();
  }

  /** The process ends. */
  close(): void {
    if (this.link !== undefined) this.#world.network.cut(this.link, { agent: 0, plane: this.#world.weather.latency() });
    this.link = undefined;
  }

  #retryLater(work: () => void): void {
    this.#backoff = Math.min(this.#backoff * 1.5, 30_000);
    this.#agent.after(this.#backoff * (0.5 + this.#world.dice.next()), work);
  }

  lost(link: WebSocketLink): void {
    if (this.link !== link) return;
    this.link = undefined;
    // What it has received is in its hands, or it is lost with the socket.
    const keeps = this.#world.dice.chance(0.5);
    this.#inbox = this.#inbox.filter(({ over, message }) => over !== link || (keeps && message !== 'closed'));
    this.#agent.after(this.#world.dice.int(0, 500), () => this.open());
  }

  /** There is news: it leaves soon, with what else there is by then. */
  flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#agent.after(this.#world.dice.int(1, 20), () => {
      this.#isFlushing = false;
      if (this.#agent.words.hasNews) this.send();
    });
  }

  /** Sends what is new, be it nothing. What waits for a connection goes on waiting. */
  send(): void {
    if (this.#agent.nature.transport === 'websocket') {
      if (this.link === undefined) return;
      const moment = this.#agent.moment();
      this.link.say(this.#agent.message(), moment);
      return;
    }
    if (this.#isPosting) return;
    this.#isPosting = true;
    this.#post(this.#agent.message(), this.#agent.moment());
  }

  /** The same request until it is answered, as opamp-go does. */
  #post(payload: Uint8Array, moment: Moment): void {
    const done = this.#agent.inThisProcess((answer: ServerToAgent | undefined) => {
      if (answer === undefined) {
        if (!this.#world.dice.chance(0.2)) {
          this.#retryLater(() => this.#post(payload, moment));
          return;
        }
        // A gateway error instead of an answer: the message is given up.
        this.#isPosting = false;
        return;
      }
      this.#backoff = 500;
      this.#isPosting = false;
      this.#take({ message: answer, over: null });
      if (this.#agent.words.hasNews) this.flush();
    });
    if (!this.#world.network.post(this.#agent, payload, moment, done))
      this.#retryLater(() => this.#post(payload, moment));
  }

  /** A message has come over this link; it is read when those before it have been. */
  arrived(over: WebSocketLink, message: Letter['message']): void {
    if (this.link === over) this.#take({ message, over });
  }

  #take(letter: Letter): void {
    this.#inbox.push(letter);
    if (!this.#isThinking) this.#readNext();
  }

  #readNext(): void {
    const letter = this.#inbox.shift();
    if (letter === undefined) return;
    const { message, over } = letter;
    if (message === 'closed') {
      if (over !== null) this.#world.network.cut(over, { agent: 0, plane: this.#world.weather.latency() });
      this.#readNext();
      return;
    }
    if (message.remoteConfig === undefined) {
      this.#agent.read(message);
      this.#readNext();
      return;
    }
    this.#isThinking = true;
    const { dice, habits, weather } = this.#world;
    const { thinks } = this.#agent.nature;
    const isSlow = dice.chance(weather.rates.thinksLong);
    const slowly = habits.hangs ? dice.int(20, 200) * 1_000 : 20 * thinks;
    this.#agent.after(isSlow ? slowly : thinks, () => {
      this.#isThinking = false;
      this.#agent.read(message);
      this.#readNext();
    });
  }
}
