import { randomUUID } from 'node:crypto';
import { allItems, type Rollout, type RolloutTarget } from '@flaghoist/api';
import { command, type Given } from '../command.ts';
import { CliError, ExitCode } from '../exit-code.ts';
import { type Kind, listing, print, show } from '../output/print.ts';
import { stateCell } from '../output/state.ts';
import { ago, plural, revisionText } from '../output/text.ts';
import { renderOutcome, renderProgress, totalOf } from '../progress/view.ts';
import { bare, ifThere, parseReference, type Resolved, resolveReference } from '../references.ts';
import type { Session } from '../session.ts';
import { timeoutOf, watchRollouts } from './watch.ts';

export const ROLLOUT: Kind<Rollout> = {
  name: ({ id }) => `rollout/${id}`,
  columns: (session) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'STATE', cell: ({ state }) => stateCell(state, session.style) },
    { header: 'GROUP', cell: ({ group }) => group, least: 8 },
    { header: 'TO', cell: ({ target }) => revisionText(target) },
    { header: 'FROM', cell: ({ from }) => revisionText(from), wide: true },
    { header: 'PROVEN', cell: (rollout) => `${rollout.counts.proven}/${totalOf(rollout)}`, right: true },
    { header: 'FAILED', cell: ({ counts }) => String(counts.failed), right: true },
    { header: 'STRATEGY', cell: ({ strategy }) => strategy.name, wide: true },
    { header: 'IN FLIGHT AT MOST', cell: ({ maxInFlight }) => String(maxInFlight), wide: true, right: true },
    { header: 'FAILED AT MOST', cell: ({ maxFailed }) => String(maxFailed), wide: true, right: true },
    { header: 'STARTED', cell: ({ createdAt }) => ago(createdAt, session.now()) },
    { header: 'SUPERSEDED BY', cell: ({ supersededBy }) => supersededBy ?? '-', wide: true },
    { header: 'AUTHOR', cell: ({ author }) => author, least: 8 },
    { header: 'MESSAGE', cell: ({ message }) => message, least: 16 },
  ],
};

const TARGET: Kind<RolloutTarget> = {
  name: ({ agent }) => `agent/${agent}`,
  columns: (session) => [
    { header: 'NAME', cell: ({ name }) => name, least: 12 },
    { header: 'STATE', cell: ({ state }) => stateCell(state, session.style) },
    { header: 'SINCE', cell: ({ at }) => ago(at, session.now()) },
    { header: 'ID', cell: ({ agent }) => agent, wide: true },
    { header: 'LATE', cell: ({ late }) => (late ? 'yes' : 'no'), wide: true },
    { header: 'SENT', cell: ({ sentAt }) => sentAt ?? '-', wide: true },
    { header: 'APPLIED', cell: ({ appliedAt }) => appliedAt ?? '-', wide: true },
    { header: 'PROVEN', cell: ({ provenAt }) => provenAt ?? '-', wide: true },
    { header: 'REASON', cell: ({ reason }) => reason ?? '-' },
    { header: 'MESSAGE', cell: ({ message }) => message, least: 20 },
  ],
};

/** Above this many agents a push to all of them at once is asked about at a terminal (A.8). */
const ASK_ABOVE = 10;

/** What a push and a rollout have in common. */
export const starting = ['group', 'fleet', 'strategy', 'author', 'supersede', 'watch', 'timeout'] as const;
export type Starting = Given<(typeof starting)[number] | 'message'>;

/** @throws CliError unless the rollout has exactly one destination */
function destination({ group, fleet }: Starting): { readonly group: string } | { readonly fleet: true } {
  if (group !== undefined && !fleet) return { group: bare('group', group) };
  if (group === undefined && fleet) return { fleet };
  throw new CliError('say where it goes: either --group G or --fleet');
}

function noGroup(group: string, configuration: string): never {
  const name = JSON.stringify(group);
  const spec = `{selector: "LABEL=VALUE", configuration: ${configuration}}`;
  const manifest = `{apiVersion: flaghoist/v1, kind: Group, metadata: {name: ${name}}, spec: ${spec}}`;
  const make = `echo '${manifest}' | flaghoist apply -f -`;
  throw new CliError(`no group is called ${name}; make it with: ${make}`, ExitCode.notFound);
}

/** Asks before everybody gets it at once. @throws CliError when the answer is no, or there is no such group */
export async function confirmStart(session: Session, configuration: string, options: Starting): Promise<void> {
  const to = destination(options);
  const { client } = session;
  const groups =
    'group' in to
      ? [(await ifThere(client.getGroup({ name: to.group }))) ?? noGroup(to.group, configuration)]
      : (await allItems((cursor) => client.listGroups({ cursor }))).filter(
          (group) => group.configuration === configuration,
        );
  const agents = groups.reduce((sum, group) => sum + group.agents, 0);
  if (agents <= ASK_ABOVE) return;
  const names = groups.map(({ name }) => name).join(', ');
  await session.confirm(
    `Push ${configuration} to ${plural(agents, 'agent')} (${names}) at once, without trying it on a few first?`,
  );
}

export async function startAt(session: Session, revision: Resolved, options: Starting): Promise<readonly Rollout[]> {
  const { strategy, supersede = false, message = '' } = options;
  const { client } = session;
  const { rollouts } = await client.startRollout({
    idempotencyKey: randomUUID(),
    body: {
      ...destination(options),
      ...revision,
      strategy,
      supersede,
      author: session.author(options.author),
      message,
    },
  });
  for (const rollout of rollouts) {
    const { group, target, planned } = rollout;
    const agents = planned === 0 ? 'no agents in it yet' : plural(planned, 'agent');
    session.say(`${ROLLOUT.name(rollout)} started: group ${group} to ${revisionText(target)}, ${agents}\n`);
  }
  return rollouts;
}

async function start(session: Session, options: Starting & Given<'to!'>): Promise<number> {
  const timeout = await timeoutOf(options.timeout);
  const reference = parseReference(options.to);
  await confirmStart(session, reference.configuration, options);
  const revision = await resolveReference(session.client, reference);
  const rollouts = await startAt(session, revision, options);
  await print(session, rollouts, { names: rollouts.map(ROLLOUT.name), text: () => '' });
  return options.watch ? watchRollouts(session, rollouts, timeout) : 0;
}

async function status(session: Session, options: Given<'watch' | 'timeout'>, reference: string): Promise<number> {
  const timeout = await timeoutOf(options.timeout);
  const { client } = session;
  const rollout = await client.getRollout({ id: bare('rollout', reference) });
  if (options.watch) return watchRollouts(session, [rollout], timeout);
  const { canvas } = session;
  const progress = renderProgress({ rollouts: [rollout], connected: true, now: session.now() }, canvas);
  const text = ['', ...progress, ...renderOutcome([rollout], canvas), ''].join('\n');
  await show(session, ROLLOUT, rollout, { text });
  return 0;
}

const listRollouts = listing(ROLLOUT, (client, page) => client.listRollouts(page));
const targets = listing(TARGET, (client, page, rollout) =>
  client.listRolloutTargets({ ...page, id: bare('rollout', rollout) }),
);

export const rolloutCommands = [
  command('rollout start', 'move a group, or the fleet, to a revision', ['to!', 'message', ...starting], start),
  command('rollout list', 'list rollouts, newest first', ['group', 'state'], listRollouts),
  command('rollout status <rollout>', 'show how far a rollout is', ['watch', 'timeout'], status),
  command('rollout targets <rollout>', 'list what became of each agent', ['state'], targets),
];
