import { allItems, type Rollout, type RolloutPart, type RolloutTarget } from '@flaghoist/api';
import { command, type Given } from '../command.ts';
import { type Kind, listing, print } from '../output/print.ts';
import { renderFacts } from '../output/table.ts';
import { decisionRows } from '../progress/decisions.ts';
import { renderOutcome, renderRollout, totalOf, waysOut } from '../progress/view.ts';
import { partsOf, watchRollouts } from '../progress/watch.ts';
import type { Session } from '../session.ts';

const provenOf = (rollout: Rollout) => `${rollout.counts.proven}/${totalOf(rollout)}`;
const failedOf = ({ spent }: Rollout) => spent.failed + spent.lost;

export const ROLLOUT: Kind<Rollout> = {
  name: ({ id }) => `rollout/${id}`,
  columns: ['id', 'state', 'group', 'target', ['proven', provenOf], ['failed', failedOf], 'createdAt', 'message'],
  wide: ['author', 'from', 'maxInFlight', 'maxFailed', 'supersededBy'],
};

const TARGET: Kind<RolloutTarget> = {
  name: ({ agent }) => `agent/${agent}`,
  columns: ['name', 'state', ['since', ({ at }) => at], 'reason', 'message'],
  wide: [['id', ({ agent }) => agent], 'late'],
};

async function status(session: Session, { watch, timeout }: Given<'watch' | 'timeout'>, id: string) {
  const { client, io, stdout } = session;
  if (watch) return watchRollouts(session, [{ id }], timeout);
  const rollout = await client.getRollout({ id });
  const parts = partsOf(rollout);
  const logOf = (part: RolloutPart) =>
    allItems((cursor) => client.listRolloutEvents({ id: part.id, kind: 'decisions', cursor }));
  const logs = await Promise.all(parts.map(logOf));
  return print(session, rollout, [`rollout/${rollout.id}`], () => {
    for (const [at, part] of parts.entries()) {
      const { id, parent, message, author, createdAt, endedAt, counts } = part;
      const { skipped, deferred } = counts;
      const facts = {
        id,
        parent,
        message,
        author,
        createdAt,
        endedAt,
        skipped: skipped || null,
        offline: deferred || null,
      };
      stdout.print([...(at > 0 ? [''] : []), ...renderFacts(facts, io.now())]);
      stdout.print([
        ...renderRollout(part, io.now(), stdout.width()),
        ...decisionRows(logs[at] ?? [], Number.POSITIVE_INFINITY),
      ]);
      stdout.print([...renderOutcome(part), ...waysOut(part)]);
    }
  });
}

const listRollouts = listing(ROLLOUT, (client, page) => client.listRollouts(page));
const targets = listing(TARGET, (client, page, id) => client.listRolloutTargets({ ...page, id }));

export const rolloutCommands = [
  command('list', 'list rollouts, newest first', ['group', 'rolloutState'], listRollouts),
  command('status <rollout>', 'show how far a rollout is', ['watch', 'timeout'], status),
  command('targets <rollout>', 'list what became of each agent', ['targetState'], targets),
];
