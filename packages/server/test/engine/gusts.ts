/** What the weather does each second: to agents, to their connections, to the process that serves, to the way between them. */
import type { SimulatedAgent } from './agent/agent.ts';
import { SECOND } from './timeline.ts';
import type { World } from './world.ts';

export function gust(world: World): void {
  const { agents, dice, network, servers, weather } = world;
  const { rates } = weather;
  for (const agent of agents) trouble(world, agent);
  const { serving } = servers;
  if (serving !== undefined) {
    if (dice.chance(rates.crash)) servers.crash(serving, 'killed');
    else if (!serving.isAsleep && dice.chance(rates.sleep)) servers.putToSleep(serving);
  }
  if (!network.isDown && dice.chance(rates.outage)) outage(world);
}

function trouble(world: World, agent: SimulatedAgent): void {
  const { dice, network, timeline, weather } = world;
  const { rates } = weather;
  const { link } = agent;
  if (link !== undefined && dice.chance(rates.cut))
    network.cut(link, { agent: dice.int(0, 100), plane: dice.int(0, 100) });
  else if (link !== undefined && dice.chance(rates.halfOpen))
    network.cut(link, { agent: dice.int(0, 1_000), plane: dice.int(10, 60) * SECOND });
  if (dice.chance(rates.restart)) world.restart(agent);
  if (!agent.down && dice.chance(rates.away)) {
    agent.note('is away');
    agent.stop();
    timeline.after(dice.int(20, 240) * SECOND, () => agent.start());
  }
  if (dice.chance(rates.move)) agent.move(agent.role === 'edge' ? 'core' : 'edge');
}

function outage(world: World): void {
  const { dice, network, timeline } = world;
  world.note('nobody reaches the server');
  network.isDown = true;
  for (const link of network.links) network.cut(link, { agent: dice.int(0, 5_000), plane: dice.int(0, 5_000) });
  for (const exchange of network.exchanges) exchange.fail();
  timeline.after(dice.int(2, 60) * SECOND, () => {
    network.isDown = false;
  });
}
