/** What people ask of rollouts, by themselves or as a push to several groups. */
import { canGoBack, TERMINAL } from '@flaghoist/fleet';
import type { RolloutSummary } from '../../../src/storage/store.ts';
import type { World } from '../world.ts';
import { type Act, AUTHOR, type Requests } from './operators.ts';
import { drawStrategy } from './strategy.ts';

export function rolloutActs(world: World) {
  const { database, dice, laws } = world;
  let count = 0;
  const author = AUTHOR;
  const message = 'odd';

  /** One who starts a rollout to that revision, over whatever runs there. */
  function start(revision: number): Act {
    const idempotencyKey = `start-${count}`;
    const name = `own-${count}`;
    count += 1;
    const { base, overrides } = drawStrategy(dice);
    const isSaved = dice.chance(0.2);
    const group = dice.chance(0.3) ? undefined : dice.pick([...database.groups.keys()]);
    const supersede = dice.chance(0.8);
    return async (requests) => {
      world.note(`operators start a rollout of ${group ?? 'all groups'} to ${revision}`);
      // Repeated, it says the same of its settings.
      if (isSaved && !database.strategies.has(name))
        await requests.putStrategy({ name, ifMatch: undefined, body: { base, ...overrides, author } });
      const strategy = isSaved ? { strategy: name } : { strategy: base, overrides };
      const what = { group, configuration: 'edge', revision, supersede, author, message: '' };
      return requests.startRollout({ idempotencyKey, body: { ...what, ...strategy } });
    };
  }

  /** Once the last rollout has ended or paused, the next one. */
  const rollOn: Act = (requests) => {
    const active = [...database.rollouts.values()].some(({ state }) => !TERMINAL.has(state));
    return active ? undefined : start(dice.int(1, 6))(requests);
  };

  /** One of the last rollouts in such a state, or the push that it is a part of. */
  function oneOf(isMeant: (row: RolloutSummary) => boolean = () => true): string | undefined {
    const last = [...database.rollouts.values()].filter(isMeant).slice(-2);
    const { id, parent } = dice.pick(last) ?? { parent: null };
    return parent !== null && dice.chance(0.5) ? parent : id;
  }

  /** What one of them says of a rollout, whatever its state. */
  const word =
    (
      verb: string,
      say: (requests: Requests, id: string) => Promise<unknown>,
      isMeant?: (row: RolloutSummary) => boolean,
    ) =>
    (requests: Requests): Promise<unknown> | undefined => {
      const id = oneOf(isMeant);
      if (id === undefined) return undefined;
      const what = `${database.rollouts.has(id) ? '' : 'the push '}${id}`;
      world.note(`operators ask to ${verb} ${what}`);
      return say(requests, id).then(() => world.note(`operators ${verb} ${what}`));
    };

  const isPaused = ({ state }: RolloutSummary): boolean => state === 'paused';
  const isGated = (row: RolloutSummary): boolean => isPaused(row) && row.pause?.reason === 'gate';
  const hasFailed = ({ state, counts }: RolloutSummary): boolean => !TERMINAL.has(state) && counts.failed > 0;
  const rollback = (requests: Requests, id: string) =>
    requests.rollbackRollout({ id, body: { author, message, atOnce: dice.chance(0.3) } });

  function retry(requests: Requests, id: string) {
    const family = [...laws.folds.values()].filter((fold) => fold.id === id || fold.parent === id);
    const failed = family.flatMap(({ targets }) => [...targets.values()].filter(({ state }) => state === 'failed'));
    const agents = failed.slice(0, dice.int(1, 2)).map(({ agent }) => agent);
    return requests.retryRollout({ id, body: { author, agents } });
  }

  const odd: readonly Act[] = [
    rollOn,
    word('pause', (requests, id) => requests.pauseRollout({ id, body: { author, message } })),
    word('resume', (requests, id) => requests.resumeRollout({ id, body: { author } }), isPaused),
    word('resume', (requests, id) => requests.resumeRollout({ id, body: { author } })),
    word('promote', (requests, id) => requests.promoteRollout({ id, body: { author } })),
    word('roll back', rollback),
    word('stop', (requests, id) =>
      requests.stopRollout({ id, body: { author, message, leaveMixed: dice.chance(0.5) } }),
    ),
    word('retry those of', retry),
    word('retry those of', retry, hasFailed),
    word('retry those of', retry, hasFailed),
  ];

  /** Somebody looks at what waits at a gate. */
  const openGate = word(
    'open the gate of',
    (requests, id) => requests.promoteRollout({ id, body: { author } }),
    isGated,
  );

  /** What has succeeded was wrong after all. */
  const takeBack = word('take back', rollback, ({ state }) => state === 'succeeded');

  const hasTravelled = (row: RolloutSummary): boolean => isPaused(row) && row.pause?.reason === 'time-travel';
  /** After an older database was put back: on, or back. */
  const goOnAfterTravel: Act = (requests) => {
    const act = dice.chance(0.5)
      ? word('resume after the travel', (asked, id) => asked.resumeRollout({ id, body: { author } }), hasTravelled)
      : word('roll back after the travel', rollback, (row) => hasTravelled(row) && canGoBack(row));
    return act(requests);
  };

  return { start, rollOn, odd, openGate, takeBack, goOnAfterTravel };
}
