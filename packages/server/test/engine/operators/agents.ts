/** What people do to single agents. */
import { SECOND } from '../timeline.ts';
import type { World } from '../world.ts';
import { type Act, AUTHOR } from './operators.ts';

export function agentActs(world: World) {
  const { database, dice, timeline } = world;
  const someone = (): string => dice.pick([...database.identities.keys()]) ?? 'nobody';
  const failed = (): string[] =>
    [...database.identities.keys()].filter((id) => database.ledgerOf(id)?.phase === 'failed');

  const pin: Act = (requests) => {
    const revision = dice.int(1, 6);
    const expires = dice.chance(0.5) ? timeline.now + dice.int(10, 200) * SECOND : undefined;
    const id = someone();
    world.note(`operators pin ${id} to ${revision}`);
    return requests.pinAgent({ id, body: { configuration: 'edge', revision, reason: 'odd', author: AUTHOR, expires } });
  };

  const unpin: Act = (requests) => {
    const id = someone();
    world.note(`operators unpin ${id}`);
    return requests.unpinAgent({ id, author: AUTHOR });
  };

  /** Most often one that has failed. */
  const retry: Act = (requests) => {
    const id = (dice.chance(0.8) ? dice.pick(failed()) : undefined) ?? someone();
    world.note(`operators ask to retry ${id}`);
    return requests.retryAgent({ id, author: AUTHOR }).then(() => world.note(`operators have ${id} retried`));
  };

  /** Labels of operators win over those of the agent: it changes its group. */
  const label: Act = (requests) => {
    const role = dice.pick(['edge', 'core', 'none', null]);
    const id = someone();
    world.note(`operators label ${id} ${role}`);
    return requests.labelAgent({ id, body: { labels: { role }, author: AUTHOR } });
  };

  const remove: Act = (requests) => {
    if (!dice.chance(0.3)) return undefined;
    const id = someone();
    world.note(`operators delete ${id}`);
    return requests.deleteAgent({ id, author: AUTHOR });
  };

  return { pin, unpin, retry, label, remove };
}
