import { randomUUID } from 'node:crypto';
import { allItems, type Rollout, type RolloutTarget } from '@flaghoist/api';
import { command, type Given } from '../command.ts';
import { CliError, ExitCode } from '../exit-code.ts';
import { type Kind, listing, print } from '../output/print.ts';
import { renderFacts } from '../output/table.ts';
import { plural, revisionText } from '../output/text.ts';
import { renderOutcome, renderProgress, totalOf, waysOut } from '../progress/view.ts';
import { watchRollouts } from '../progress/watch.ts';
import { type Reference, revisionNamed } from '../references.ts';
import type { Session } from '../session.ts';

const provenOf = (rollout: Rollout) => `${rollout.counts.proven}/${totalOf(rollout)}`;
const failedOf = ({ counts }: Rollout) => counts.failed;

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

/** Above this many agents a push to all of them at once is asked about at a terminal (A.8). */
const ASK_ABOVE = 10;

/** What a push and a rollout have in common. */
export const starting = ['group', 'fleet', 'strategy', 'author!', 'supersede', 'watch', 'timeout'] as const;
type Starting = Given<(typeof starting)[number] | 'message'>;

/** Asks before everybody gets it at once. @throws CliError when the answer is no, or there is no such group */
export async function confirmStart(session: Session, configuration: string, { group }: Starting): Promise<void> {
  const all = await allItems((cursor) => session.client.listGroups({ cursor }));
  const groups = all.filter((one) => (group ? one.name === group : one.configuration === configuration));
  if (group && groups.length === 0) {
    const ways = 'flaghoist group list shows all, flaghoist apply -f FILE makes one';
    throw new CliError(`no group is called ${JSON.stringify(group)}; ${ways}`, ExitCode.notFound);
  }
  const agents = groups.reduce((sum, group) => sum + group.agents, 0);
  if (agents <= ASK_ABOVE) return;
  const names = groups.map(({ name }) => name).join(', ');
  await session.confirm(
    `Push ${configuration} to ${plural(agents, 'agent')} (${names}) at once, without trying it on a few first?`,
  );
}

export async function startAt(session: Session, revision: Reference, options: Starting): Promise<readonly Rollout[]> {
  const { group, fleet, strategy, supersede, author, message = '' } = options;
  const body = { group, fleet, ...revision, strategy, supersede, author, message };
  const { rollouts } = await session.client.startRollout({ idempotencyKey: randomUUID(), body });
  for (const rollout of rollouts) {
    const { group, target, planned } = rollout;
    const agents = planned === 0 ? 'no agents in it yet' : plural(planned, 'agent');
    session.say(`${ROLLOUT.name(rollout)} started: group ${group} to ${revisionText(target)}, ${agents}`);
  }
  return rollouts;
}

async function start(session: Session, options: Starting & Given<'to!'>): Promise<number> {
  if (!options.group && !options.fleet) throw new CliError('say where it goes: either --group G or --fleet');
  const revision = await revisionNamed(session.client, options.to);
  await confirmStart(session, revision.configuration, options);
  const rollouts = await startAt(session, revision, options);
  await print(session, rollouts, rollouts.map(ROLLOUT.name));
  return options.watch ? watchRollouts(session, rollouts, options.timeout) : ExitCode.ok;
}

async function status(session: Session, { watch, timeout }: Given<'watch' | 'timeout'>, id: string) {
  const { client, io, stdout } = session;
  if (watch) return watchRollouts(session, [{ id }], timeout);
  const rollout = await client.getRollout({ id });
  const { failures, counts, pause, ...facts } = rollout;
  return print(session, rollout, [ROLLOUT.name(rollout)], () => {
    stdout.print([...renderFacts(facts, io.now()), '', ...renderProgress([rollout], io.now(), stdout.width())]);
    stdout.print([...renderOutcome(rollout), ...waysOut(rollout)]);
  });
}

const listRollouts = listing(ROLLOUT, (client, page) => client.listRollouts(page));
const targets = listing(TARGET, (client, page, id) => client.listRolloutTargets({ ...page, id }));

export const rolloutCommands = [
  command('start', 'move a group, or the fleet, to a revision', ['to!', 'message', ...starting], start),
  command('list', 'list rollouts, newest first', ['group', 'rolloutState'], listRollouts),
  command('status <rollout>', 'show how far a rollout is', ['watch', 'timeout'], status),
  command('targets <rollout>', 'list what became of each agent', ['targetState'], targets),
];
