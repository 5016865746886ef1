/** The server processes that come and go over one database, and when none of them served. */
import { Plane } from './plane.ts';
import { SECOND, START } from './timeline.ts';
import type { World } from './world.ts';

export class Servers {
  readonly #world: World;
  /** The process that new connections come to. */
  serving: Plane | undefined;
  /** Those that live, sleepers among them. */
  readonly #planes = new Set<Plane>();
  #count = 0;
  /** When no process served, until it did again. */
  readonly outages: { readonly from: number; until: number }[] = [{ from: START, until: Number.POSITIVE_INFINITY }];

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    this.#count += 1;
    const { dice } = this.#world;
    // A clock that was put back makes nothing early (R22).
    const behind = dice.chance(0.1) ? dice.int(1, 3_600) * SECOND : 0;
    this.#world.note(`server ${this.#count} starts`);
    this.#planes.add(new Plane(this.#world, this.#count, behind));
  }

  /** It has the lease, and reads what it finds. */
  leads(plane: Plane): void {
    this.#world.note(`server ${plane.number} leads`);
    this.#world.laws.checkRows();
  }

  serves(plane: Plane): void {
    this.#world.note(`server ${plane.number} serves`);
    this.serving = plane;
    this.#backAgain();
  }

  #backAgain(): void {
    const outage = this.outages.at(-1);
    if (outage !== undefined) outage.until = Math.min(outage.until, this.#world.timeline.now);
  }

  #goneFrom(): void {
    if (this.outages.at(-1)?.until !== Number.POSITIVE_INFINITY)
      this.outages.push({ from: this.#world.timeline.now, until: Number.POSITIVE_INFINITY });
  }

  /** It ends here, whatever it was doing; another one starts, soon or after minutes. */
  crash(plane: Plane, why: string): void {
    if (!plane.isAlive()) return;
    const { laws, network, timeline } = this.#world;
    this.#world.note(`server ${plane.number} ends: ${why}`);
    plane.die();
    this.#planes.delete(plane);
    network.ended(plane);
    laws.ended(plane);
    if (this.serving === plane) {
      this.serving = undefined;
      this.#goneFrom();
    }
    if (!this.#isAnyAwake()) timeline.after(this.#downtime(), () => this.#startUnlessThere());
  }

  /** A person stops them all, and starts one again. */
  stopAll(): void {
    for (const plane of [...this.#planes]) this.crash(plane, 'stopped');
  }

  #isAnyAwake(): boolean {
    return [...this.#planes].some(({ isAsleep }) => !isAsleep);
  }

  #startUnlessThere(): void {
    if (!this.#isAnyAwake()) this.start();
  }

  #downtime(): number {
    const { dice } = this.#world;
    return dice.chance(0.15) ? dice.int(30, 200) * SECOND : dice.int(200, 5_000);
  }

  /** It sleeps on; when its lease has ended another one takes over, and some time later it goes on as if nothing had been. */
  putToSleep(plane: Plane): void {
    const { timeline, dice, habits } = this.#world;
    this.#world.note(`server ${plane.number} sleeps`);
    plane.sleep();
    if (this.serving === plane) this.#goneFrom();
    if (habits.shared) timeline.after(dice.int(0, 10) * SECOND, () => this.#startUnlessThere());
    timeline.after(dice.pick([dice.int(1, 9) * SECOND, dice.int(11, 70) * SECOND]), () => {
      if (!plane.isAlive()) return;
      this.#world.note(`server ${plane.number} wakes up`);
      if (this.serving === plane) this.#backAgain();
      plane.wake();
    });
  }
}
