/** An older copy of the database is put back while no server runs (I14); somebody has the rollouts that were under way go on, or taken back. */
import type { Rows } from './rows.ts';
import { SECOND } from './timeline.ts';
import type { World } from './world.ts';

const KEPT = 30;

/** Keeps copies, and puts one back, once or twice, at a time when something was done since. */
export function awaitTravel(world: World): void {
  const { database, dice, faultsUntil, timeline } = world;
  const copies: Rows[] = [];
  timeline.every(5 * SECOND, () => {
    if (copies.length < KEPT && timeline.now < faultsUntil && dice.chance(0.5)) copies.push(database.image());
  });
  for (let times = dice.int(1, 2); times > 0; times -= 1)
    timeline.after(dice.next() * (faultsUntil - timeline.now), () => putBack(world, dice.pick(copies)));
}

function putBack(world: World, copy: Rows | undefined): void {
  const { database, dice, laws, operators, servers } = world;
  if (copy === undefined || copy.commits >= database.commits) return;
  servers.stopAll();
  database.putBack(copy.image());
  world.note(`an older copy of the database is put back, ${database.missing} transactions short`);
  laws.travelled();
  operators.lookAfterTravel(dice.int(20, 150) * SECOND);
}
