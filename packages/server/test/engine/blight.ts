/** Something that is nobody's configuration strikes a group: agents that were not touched degrade as those that were (A.5, control group). */
import { TERMINAL } from '@flaghoist/fleet';
import type { SimulatedAgent } from './agent/agent.ts';
import { SECOND } from './timeline.ts';
import type { World } from './world.ts';

/** Fewer untouched agents than this tell nothing. */
const LEAST_CONTROLS = 20;

/** Waits for a rollout that has come to somebody and not yet to most, and strikes its group once. */
export function awaitBlight(world: World): void {
  const { dice, timeline } = world;
  const stop = timeline.every(SECOND, () => {
    const group = groupInTheMidst(world);
    if (group === undefined || !dice.chance(0.2)) return;
    stop();
    strike(world, group);
  });
}

function groupInTheMidst({ database, laws }: World): string | undefined {
  for (const { group, state, targets } of laws.folds.values()) {
    if (TERMINAL.has(state) || state === 'rolling-back') continue;
    const touched = targets.values().some((target) => target.state === 'verifying' || target.state === 'proven');
    const untouched = [...database.identities.values()].filter(
      (one) => one.group?.name === group && !targets.has(one.id),
    );
    if (touched && untouched.length >= LEAST_CONTROLS) return group;
  }
  return undefined;
}

/** Most of them, or some; by ill health or by loss of contact; it passes. */
function strike(world: World, group: string): void {
  const { agents, dice, timeline } = world;
  const share = dice.pick([0.3, 0.6, 1]);
  const isSickness = dice.chance(0.7);
  const lasts = dice.int(60, 240) * SECOND;
  world.note(`a blight strikes ${group}: ${isSickness ? 'health' : 'contact'}`);
  const struck = agents.filter((agent) => agent.role === group && !agent.down && dice.chance(share));
  for (const agent of struck) timeline.after(dice.int(0, 5) * SECOND, () => befall(agent));
  timeline.after(lasts, () => {
    for (const agent of struck) isSickness ? agent.recover() : agent.start();
  });

  function befall(agent: SimulatedAgent): void {
    if (agent.down) return;
    if (isSickness) agent.sicken();
    else agent.stop();
  }
}
