import { API_LIMITS, type Handlers, type InputOf, type RolloutDetail, type RolloutTarget } from '@flaghoist/api';
import {
  DEFAULT_STRATEGY,
  type FailureReason,
  FleetError,
  type LedgerEntry,
  nameOf,
  parseDuration,
  type Rollout,
  type Share,
  type StrategyOverrides,
  standing,
  strategyNamed,
  type Target,
  withOverrides,
} from '@flaghoist/fleet';
import { randomId } from '../clock.ts';
import type { ControlPlane } from '../control-plane.ts';
import { ANONYMOUS } from './agents.ts';
import { EndedRollouts } from './ended-rollouts.ts';
import { type Commit, once } from './once.ts';
import { historyPage, historyStart, pageOf } from './pages.ts';
import { rolloutView, strategyView, time, timeOrNull } from './views.ts';

type RolloutOperation =
  | 'startRollout'
  | 'listRollouts'
  | 'getRollout'
  | 'listRolloutTargets'
  | 'listRolloutEvents'
  | 'listStrategies';

type Overrides = NonNullable<InputOf<'startRollout'>['body']['overrides']>;

const toShare = (share: number | string | undefined): Share | undefined => {
  if (share === undefined) return undefined;
  return typeof share === 'number' ? { count: share } : { percent: Number.parseFloat(share) };
};
const toMillis = (duration: string | undefined) => (duration === undefined ? undefined : parseDuration(duration));

const toOverrides = (given: Overrides): StrategyOverrides => ({
  maxInFlight: toShare(given.maxInFlight),
  maxFailed: toShare(given.maxFailed),
  applyTimeout: toMillis(given.applyTimeout),
  minHealthyTime: toMillis(given.minHealthyTime),
  requireEffective: given.requireEffective,
});

function groupsOf({ groups }: ControlPlane, { group, configuration }: InputOf<'startRollout'>['body']) {
  if (group === undefined) {
    const running = groups.list().filter((each) => each.configuration === configuration);
    if (running.length === 0) throw new FleetError('not-found', `no group runs configuration ${configuration}`);
    return running;
  }
  const found = groups.get(group);
  if (found.configuration !== configuration) {
    throw new FleetError(
      'conflict',
      `group ${group} runs configuration ${found.configuration}, not ${configuration}; change the group first`,
    );
  }
  return [found];
}

/** All rollouts of the request, or none. */
async function start(plane: ControlPlane, { body }: InputOf<'startRollout'>, commit: Commit) {
  const { rollouts, configurations } = plane;
  const { hash, revision } = configurations.ref(body.configuration, body.revision);
  groupsOf(plane, body);
  await plane.offers.fetch(hash);
  // Others were served meanwhile: from here to the commit nothing is awaited.
  const target = configurations.ref(body.configuration, revision);
  const groups = groupsOf(plane, body);
  const strategies = groups.map((group) =>
    withOverrides(strategyNamed(body.strategy ?? group.strategy), toOverrides(body.overrides ?? {})),
  );
  for (const group of groups) rollouts.checkFree(group.name, body.supersede);
  const author = body.author ?? ANONYMOUS;
  const now = plane.now();
  const started = groups.map((group, index) => {
    const id = randomId('r');
    const strategy = strategies[index] ?? strategyNamed(DEFAULT_STRATEGY);
    const request = {
      id,
      group: group.name,
      target,
      from: group.stable,
      strategy,
      author,
      message: body.message,
    };
    rollouts.start(request, now);
    return id;
  });
  return commit({ rollouts: started.map((id) => view(plane, id)) });
}

/** @throws FleetError `not-found`. */
function summaryOf({ rollouts }: ControlPlane, id: string) {
  const summary = rollouts.summary(id);
  if (summary === undefined) throw new FleetError('not-found', `no rollout has the id ${JSON.stringify(id)}`);
  return summary;
}

const view = (plane: ControlPlane, id: string) =>
  rolloutView(summaryOf(plane, id), plane.rollouts.active(id), plane.rollouts.pending(id).size);

/** With its targets: from memory while it is active, else as its log tells it. */
async function whole(plane: ControlPlane, ended: EndedRollouts, id: string): Promise<Rollout> {
  const summary = summaryOf(plane, id);
  const rollout = plane.rollouts.active(id) ?? (await ended.get(summary));
  if (rollout === null) throw new FleetError('not-found', `the log of rollout ${id} is no longer kept`);
  return rollout;
}

const nameOfAgent = ({ roster }: ControlPlane, id: string): string => {
  const member = roster.get(id);
  return member === undefined ? id : nameOf(member.agent.identity);
};

function failuresOf(plane: ControlPlane, rollout: Rollout): RolloutDetail['failures'] {
  const alike = Map.groupBy(
    [...rollout.targets.values()].filter(({ state }) => state === 'failed'),
    ({ reason, message }) => `${reason} ${message}`,
  );
  const groups = [...alike.values()].flatMap((targets) => {
    const [first] = targets;
    if (first === undefined) return [];
    const examples = targets
      .slice(0, API_LIMITS.failureExamples)
      .map(({ agent }) => ({ agent, name: nameOfAgent(plane, agent) }));
    return [{ reason: first.reason as FailureReason, message: first.message, count: targets.length, examples }];
  });
  return groups.sort((a, b) => b.count - a.count);
}

const SETTLED: ReadonlySet<Target['state']> = new Set<Target['state']>(['proven', 'failed', 'skipped']);

function stragglersOf(plane: ControlPlane, rollout: Rollout): RolloutDetail['stragglers'] {
  const open = [...rollout.targets.values()].filter(({ state }) => !SETTLED.has(state));
  const waiting = [...plane.rollouts.pending(rollout.id)].filter((id) => !rollout.targets.has(id));
  const rows = [
    ...open.sort((a, b) => a.at - b.at).map(({ agent, state, at }) => ({ agent, state, at })),
    ...waiting.map((agent) => ({ agent, state: 'pending' as const, at: null })),
  ];
  return rows.slice(0, API_LIMITS.stragglers).map(({ agent, state, at }) => {
    const member = plane.roster.get(agent);
    const why = member === undefined ? 'deleted' : standing(member.agent, member.presence).reason;
    return { agent, name: nameOfAgent(plane, agent), state, why, since: timeOrNull(at) };
  });
}

/** When it would end at the pace it had until its last proof; not told before a twentieth is proven, or once late. */
function etaOf({ state, planned, counts, targets, createdAt }: Rollout, now: number): string | null {
  const left = planned - counts.proven - counts.failed;
  if (state !== 'running' || left <= 0 || counts.proven < Math.max(1, planned / 20)) return null;
  const provenAt = [...targets.values()].map((target) => (target.state === 'proven' ? target.at : 0));
  const latest = Math.max(...provenAt);
  const end = latest + ((latest - createdAt) / counts.proven) * left;
  return end > now ? time(end) : null;
}

async function detail(plane: ControlPlane, ended: EndedRollouts, id: string): Promise<RolloutDetail> {
  const read = await whole(plane, ended, id);
  // It may have gone on, or ended, while its log was read: what follows is of one moment.
  const active = plane.rollouts.active(id);
  return {
    ...view(plane, id),
    failures: failuresOf(plane, active ?? read),
    eta: active === undefined ? null : etaOf(active, plane.now()),
    stragglers: active === undefined ? [] : stragglersOf(plane, active),
  };
}

async function entryOf(
  { roster, store }: ControlPlane,
  agent: string,
  rollout: string,
): Promise<LedgerEntry | undefined> {
  const isIts = (entry: LedgerEntry | null | undefined) =>
    entry?.source.kind === 'rollout' && entry.source.rollout === rollout;
  const present = roster.get(agent)?.agent.ledger;
  if (present != null && isIts(present)) return present;
  return (await store.ledger(agent, 20)).find(isIts);
}

async function targetView(
  plane: ControlPlane,
  rollout: Rollout,
  target: Omit<Target, 'state'> & { state: RolloutTarget['state'] },
): Promise<RolloutTarget> {
  const entry = target.state === 'pending' ? undefined : await entryOf(plane, target.agent, rollout.id);
  return {
    agent: target.agent,
    name: nameOfAgent(plane, target.agent),
    state: target.state,
    late: target.late,
    reason: target.reason,
    message: target.message,
    at: target.state === 'pending' ? null : time(target.at),
    offeredAt: timeOrNull(entry?.offeredAt),
    sentAt: timeOrNull(entry?.sentAt),
    appliedAt: timeOrNull(entry?.appliedAt),
    provenAt: timeOrNull(entry?.provenAt),
    failedAt: timeOrNull(entry?.failure?.at),
  };
}

async function targets(
  plane: ControlPlane,
  ended: EndedRollouts,
  { id, state, ...paging }: InputOf<'listRolloutTargets'>,
) {
  const rollout = await whole(plane, ended, id);
  const pending = [...plane.rollouts.pending(id)]
    .filter((agent) => !rollout.targets.has(agent))
    .map((agent) => ({ agent, state: 'pending' as const, late: false, reason: null, message: '', at: 0 }));
  const all = [...rollout.targets.values(), ...pending].filter(
    (target) => state === undefined || target.state === state,
  );
  all.sort((a, b) => (a.agent < b.agent ? -1 : 1));
  const page = pageOf(all, paging, ({ agent }) => agent);
  return {
    ...page,
    items: await Promise.all(page.items.map((target) => targetView(plane, rollout, target))),
  };
}

async function events(plane: ControlPlane, { id, limit, cursor }: InputOf<'listRolloutEvents'>) {
  summaryOf(plane, id);
  const after = historyStart(cursor);
  const log = await plane.store.rolloutLog(id);
  const rows = log.flatMap(({ version, at, events: batch }) =>
    batch.map((event, index) => ({
      seq: version + index,
      at: time(at),
      kind: event.type,
      data: { ...event } as Record<string, unknown>,
    })),
  );
  return historyPage(rows.filter(({ seq }) => seq > after).slice(0, limit), limit);
}

export function rolloutHandlers(plane: ControlPlane): Pick<Handlers<void>, RolloutOperation> {
  const ended = new EndedRollouts(plane.store);
  return {
    startRollout: (input) => once(plane, 'rollout', input, (commit) => start(plane, input, commit)),
    listRollouts: async ({ group, state, ...paging }) => {
      const wanted = plane.rollouts
        .list()
        .filter((row) => (group === undefined || row.group === group) && (state === undefined || row.state === state));
      const page = pageOf(wanted, paging, (row) => `${String(1e15 - row.createdAt).padStart(16, '0')} ${row.id}`);
      return { ...page, items: page.items.map(({ id }) => view(plane, id)) };
    },
    getRollout: ({ id }) => detail(plane, ended, id),
    listRolloutTargets: (input) => targets(plane, ended, input),
    listRolloutEvents: (input) => events(plane, input),
    listStrategies: async () => ({ items: [strategyView(strategyNamed(DEFAULT_STRATEGY))] }),
  };
}
