/** What people do, and when: rollouts, supersedes, pins, retries, labels, at good moments and at odd ones. */
import { ApiError } from '@flaghoist/api';
import { FleetError } from '@flaghoist/fleet';
import type { Plane } from '../plane.ts';
import { SECOND } from '../timeline.ts';
import type { World } from '../world.ts';
import { agentActs } from './agents.ts';
import { rolloutActs } from './rollouts.ts';

export type Requests = NonNullable<ReturnType<Plane['requests']>>;
/** Something asked of a server; undefined when there is nothing to ask. */
export type Act = (requests: Requests) => Promise<unknown> | undefined;

export const AUTHOR = 'ops';

export class Operators {
  readonly #world: World;
  readonly #rollouts: ReturnType<typeof rolloutActs>;
  /** Things begun or planned that must have happened before the world may end. */
  #pending = 0;

  constructor(world: World) {
    this.#world = world;
    this.#rollouts = rolloutActs(world);
  }

  get isDone(): boolean {
    return this.#pending === 0;
  }

  begin(): void {
    const { dice, timeline, faultsUntil } = this.#world;
    const time = faultsUntil - timeline.now;
    const rollouts = this.#rollouts;
    let revision = 1;
    const starts = dice.int(1, 4);
    for (let n = 0; n < starts; n += 1) {
      // Now and then back to one that was there before.
      revision = dice.chance(0.2) ? dice.int(1, revision) : revision + 1;
      const to = Math.min(revision, 6);
      this.#insist(n === 0 ? dice.int(1, 10) * SECOND : dice.next() * time, rollouts.start(to));
    }
    const odd: readonly Act[] = [...Object.values(agentActs(this.#world)), ...rollouts.odd];
    const count = dice.pick([0, 3, 8, 20]);
    for (let n = 0; n < count; n += 1) this.#try(dice.next() * time, dice.pick(odd) ?? rollouts.rollOn);
    // Somebody looks after gates, most of the time, and takes back now and then what has finished.
    if (dice.chance(0.7))
      for (let at = 20 * SECOND; at < time; at += 20 * SECOND) this.#try(at + dice.next(), rollouts.openGate);
    if (dice.chance(0.2)) this.#insist(time + dice.int(10, 200) * SECOND, rollouts.takeBack);
  }

  /** Somebody decides what becomes of the rollouts that an older database has paused. */
  lookAfterTravel(delay: number): void {
    this.#insist(delay, this.#rollouts.goOnAfterTravel);
  }

  /** Asks until it is answered: the same request, so that it happens once (interface.md, idempotency). */
  #insist(delay: number, act: Act): void {
    this.#pending += 1;
    const { timeline } = this.#world;
    const ask = (): void => {
      let isOver = false;
      const again = timeline.after(30 * SECOND, () => {
        if (!isOver) ask();
      });
      const answered = this.#ask(act);
      void answered?.then((answer) => {
        if (answer === 'try again' || isOver) return;
        isOver = true;
        again();
        this.#pending -= 1;
      });
    };
    timeline.after(delay, ask);
  }

  /** Asks once. */
  #try(delay: number, act: Act): void {
    this.#world.timeline.after(delay, () => void this.#ask(act));
  }

  #ask(act: Act): Promise<'answered' | 'try again'> | undefined {
    const { serving } = this.#world.servers;
    const requests = serving?.isAsleep === false ? serving.requests() : undefined;
    if (requests === undefined) return undefined;
    const asked = Promise.try(() => act(requests));
    return asked.then(
      () => 'answered',
      (error: unknown) => {
        if (error instanceof FleetError || error instanceof ApiError) {
          this.#world.note(`operators are refused: ${error.code}`);
          return 'answered';
        }
        if ((error as Error).name !== 'StoreError')
          this.#world.laws.broken('no bug of ours', (error as Error).stack ?? `${error}`);
        return 'try again';
      },
    );
  }
}
