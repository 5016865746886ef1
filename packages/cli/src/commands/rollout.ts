import { allItems, type Rollout, type RolloutDetail, type RolloutTarget } from '@flaghoist/api';
import { CliError } from '../exit-code.ts';
import { printList, printOne, printResult, tableOptions } from '../output/print.ts';
import { painted, rolloutState, targetState } from '../output/state.ts';
import { type Column, renderFacts, renderTable } from '../output/table.ts';
import { ago, oneLine, plural } from '../output/text.ts';
import { renderOutcome, renderProgress } from '../progress/view.ts';
import { bare, parseReference, resolveReference } from '../references.ts';
import type { Session } from '../session.ts';

/** Above this many agents a push to all of them at once is asked about at a terminal. */
const ASK_ABOVE = 10;

export interface StartOptions {
  readonly group?: string;
  readonly fleet?: boolean;
  readonly strategy?: string;
  readonly author?: string;
  readonly message?: string;
  readonly supersede?: boolean;
  readonly watch?: boolean;
  readonly timeout?: string;
  readonly maxInFlight?: string;
  readonly maxFailed?: string;
  readonly applyTimeout?: string;
  readonly minHealthyTime?: string;
  readonly requireEffective?: 'never' | 'ifReported' | 'always';
}

const share = (text: string | undefined): string | number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : text;

function overrides(options: StartOptions) {
  const { applyTimeout, minHealthyTime, requireEffective } = options;
  const given = {
    maxInFlight: share(options.maxInFlight),
    maxFailed: share(options.maxFailed),
    applyTimeout,
    minHealthyTime,
    requireEffective,
  };
  return Object.values(given).some((value) => value !== undefined) ? given : undefined;
}

/** @throws CliError unless the rollout has exactly one destination */
function destination(options: StartOptions): { readonly group: string } | { readonly fleet: true } {
  if (options.group !== undefined && !options.fleet) return { group: bare('group', options.group) };
  if (options.group === undefined && options.fleet) return { fleet: true };
  throw new CliError('say where it goes: either --group G or --fleet');
}

/** Asks before everybody gets it at once. @throws CliError when the answer is no */
export async function confirmStart(
  session: Session,
  configuration: string,
  options: StartOptions,
): Promise<void> {
  if (session.options.yes || !session.io.stdin?.isTTY) return;
  const to = destination(options);
  const client = await session.client();
  const groups =
    'group' in to
      ? [await client.getGroup({ name: to.group })]
      : (await allItems((cursor) => client.listGroups({ limit: 1_000, cursor }))).filter(
          (group) => group.configuration === configuration,
        );
  const agents = groups.reduce((sum, group) => sum + group.agents, 0);
  if (agents <= ASK_ABOVE) return;
  const names = groups.map(({ name }) => name).join(', ');
  await session.confirm(
    `Push ${configuration} to ${plural(agents, 'agent')} (${names}) at once, without trying it on a few first?`,
  );
}

export async function startAt(
  session: Session,
  revision: { readonly configuration: string; readonly revision: number | 'latest' },
  options: StartOptions,
): Promise<readonly Rollout[]> {
  const client = await session.client();
  const { randomUUID } = await import('node:crypto');
  const { rollouts } = await client.startRollout({
    idempotencyKey: randomUUID(),
    body: {
      ...destination(options),
      ...revision,
      strategy: options.strategy,
      overrides: overrides(options),
      supersede: options.supersede ?? false,
      author: await session.author(options.author),
      message: options.message ?? '',
    },
  });
  return rollouts;
}

export function startedText(rollouts: readonly Rollout[]): string {
  return rollouts
    .map(
      ({ id, group, target, planned }) =>
        `rollout/${id} started: group ${group} to ${target.configuration}@${target.revision}, ${plural(planned, 'agent')}\n`,
    )
    .join('');
}

export async function start(
  session: Session,
  options: StartOptions & { readonly to: string },
): Promise<number> {
  const { timeoutOf, watchRollouts } = await import('./watch.ts');
  const timeout = timeoutOf(options.timeout);
  destination(options);
  const reference = parseReference(options.to);
  await confirmStart(session, reference.configuration, options);
  const revision = await resolveReference(await session.client(), reference);
  const rollouts = await startAt(session, revision, options);
  const ids = rollouts.map(({ id }) => id);
  const names = ids.map((id) => `rollout/${id}`);
  await printResult(session, rollouts, { words: startedText(rollouts), names });
  return options.watch ? watchRollouts(session, ids, timeout) : 0;
}

function rolloutColumns(session: Session): Column<Rollout>[] {
  return [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'STATE', cell: ({ state }) => rolloutState(state, session.style) },
    { header: 'GROUP', cell: ({ group }) => group, least: 8 },
    { header: 'TO', cell: ({ target }) => `${target.configuration}@${target.revision}` },
    {
      header: 'FROM',
      cell: ({ from }) => (from === null ? '-' : `${from.configuration}@${from.revision}`),
      wide: true,
    },
    { header: 'PROVEN', cell: ({ counts, planned }) => `${counts.proven}/${planned}`, right: true },
    { header: 'FAILED', cell: ({ counts }) => String(counts.failed), right: true },
    { header: 'STARTED', cell: ({ createdAt }) => ago(createdAt, session.now()) },
    { header: 'AUTHOR', cell: ({ author }) => author, least: 8 },
    { header: 'MESSAGE', cell: ({ message }) => message, least: 16 },
  ];
}

export async function list(
  session: Session,
  filter: { readonly group?: string; readonly state?: string },
): Promise<void> {
  const client = await session.client();
  const query = { group: filter.group, state: filter.state as Rollout['state'] | undefined, limit: 1_000 };
  const all = await allItems((cursor) => client.listRollouts({ ...query, cursor }));
  await printList(session, all, ({ id }) => `rollout/${id}`, rolloutColumns(session));
}

function statusText(session: Session, rollout: RolloutDetail): string {
  const { style, io } = session;
  const canvas = { width: session.width(io.stdout), style };
  const { target, from, pause, strategy } = rollout;
  const facts = renderFacts([
    ['Rollout', rollout.id],
    ['Group', rollout.group],
    [
      'Revision',
      `${target.configuration}@${target.revision}${from === null ? '' : `, from ${from.configuration}@${from.revision}`}`,
    ],
    ['State', painted(rolloutState(rollout.state, style))],
    ['Paused', pause && `${pause.reason}: ${oneLine(pause.message)}`],
    [
      'Strategy',
      `${strategy.name}, at most ${rollout.maxInFlight} in flight and ${rollout.maxFailed} failed`,
    ],
    [
      'Started',
      `${ago(rollout.createdAt, session.now())} by ${oneLine(`${rollout.author}: ${rollout.message}`)}`,
    ],
    ['Ended', rollout.endedAt && ago(rollout.endedAt, session.now())],
    ['Supersedes', rollout.supersedes],
    ['Superseded by', rollout.supersededBy],
  ]);
  const progress = renderProgress(
    { rollouts: [{ ...rollout, pause: null }], connected: true, now: session.now() },
    canvas,
  );
  const counts = Object.entries(rollout.counts).filter(([, count]) => count > 0);
  const table = renderTable<(typeof counts)[number]>(
    [
      { header: 'TARGETS', cell: ([state]) => targetState(state as RolloutTarget['state'], style) },
      { header: '', cell: ([, count]) => String(count), right: true },
    ],
    counts,
    { ...tableOptions(session), headers: false },
  );
  return [
    facts,
    '\n',
    ...progress.map((line) => `${line}\n`),
    '\n',
    table,
    ...renderOutcome([rollout], canvas).map((line) => `${line}\n`),
  ].join('');
}

export async function status(
  session: Session,
  reference: string,
  options: { readonly watch?: boolean; readonly timeout?: string },
): Promise<number> {
  const id = bare('rollout', reference);
  if (options.watch) {
    const { timeoutOf, watchRollouts } = await import('./watch.ts');
    return watchRollouts(session, [id], timeoutOf(options.timeout));
  }
  const client = await session.client();
  const rollout = await client.getRollout({ id });
  await printOne(session, rollout, { name: `rollout/${id}`, text: () => statusText(session, rollout) });
  return 0;
}

export async function targets(
  session: Session,
  reference: string,
  filter: { readonly state?: string },
): Promise<void> {
  const client = await session.client();
  const state = filter.state as RolloutTarget['state'] | undefined;
  const query = { id: bare('rollout', reference), state, limit: 1_000 };
  const all = await allItems((cursor) => client.listRolloutTargets({ ...query, cursor }));
  const columns: Column<RolloutTarget>[] = [
    { header: 'NAME', cell: ({ name }) => name, least: 12 },
    { header: 'STATE', cell: ({ state }) => targetState(state, session.style) },
    { header: 'SINCE', cell: ({ at }) => ago(at, session.now()) },
    { header: 'ID', cell: ({ agent }) => agent, wide: true },
    { header: 'LATE', cell: ({ late }) => (late ? 'yes' : 'no'), wide: true },
    { header: 'SENT', cell: ({ sentAt }) => sentAt ?? '-', wide: true },
    { header: 'APPLIED', cell: ({ appliedAt }) => appliedAt ?? '-', wide: true },
    { header: 'PROVEN', cell: ({ provenAt }) => provenAt ?? '-', wide: true },
    { header: 'REASON', cell: ({ reason }) => reason ?? '-' },
    { header: 'MESSAGE', cell: ({ message }) => message, least: 20 },
  ];
  await printList(session, all, ({ agent }) => `agent/${agent}`, columns);
}
