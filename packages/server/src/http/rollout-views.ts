/** How rollouts are told of: one by itself, its agents, and a push to several groups as their parent. */
import { API_LIMITS } from '@flaghoist/api';
import * as fleet from '@flaghoist/fleet';
import type { ControlPlane } from '../control-plane.ts';
import { SERVER_LIMITS } from '../limits.ts';
import { Remembered } from '../remembered.ts';
import type { RolloutSummary } from '../storage/store.ts';

type TargetState = fleet.TargetState | 'pending';
export type Counts = Record<TargetState, number>;

const STATES: readonly TargetState[] = ['pending', ...fleet.TARGET_STATES];
const noCounts = (): Counts => Object.fromEntries(STATES.map((state) => [state, 0])) as Counts;

/** A target that is still to come. */
const pendingTarget = (agent: string) =>
  ({ agent, state: 'pending', stage: null, late: false, reason: null, message: '', at: null }) as const;

/** The steps of a target without a ledger entry. */
const NOTHING_DONE = { offeredAt: null, sentAt: null, appliedAt: null, provenAt: null };

/** The proofs of late from which it is told how long one takes. */
const PROOFS_LOOKED_AT = 200;

/** A parent is in the first of these that one of its rollouts is in. */
const WORST: readonly fleet.RolloutState[] = [
  'rolling-back',
  'paused',
  'running',
  'baking',
  'rolled-back-partial',
  'rolled-back',
  'stopped-mixed',
  'cancelled',
  'superseded',
  'succeeded',
];

const longest = <T extends { readonly since: fleet.Instant }>(all: readonly T[]): T[] =>
  [...all].sort((a, b) => a.since - b.since).slice(0, API_LIMITS.stragglers);

export function rolloutViews({ now, reconciler, rollouts, roster, store }: ControlPlane) {
  /** Ended rollouts with their targets. Those asked for last are kept: a log can be long. */
  const ended = new Remembered<fleet.Rollout>(SERVER_LIMITS.rolloutsFolded);

  function view(summary: RolloutSummary) {
    const active = rollouts.active(summary.id);
    return {
      ...summary,
      strategy: { ...summary.strategy, ...summary.strategy.terms },
      counts: { pending: active?.waiting.size ?? 0, ...summary.counts },
      inFlight: active === undefined ? 0 : fleet.inFlight(active.rollout),
    };
  }

  /** With its targets: from memory while it is active, else as its log tells it. */
  async function whole(id: string): Promise<fleet.Rollout> {
    rollouts.summary(id);
    const known = rollouts.active(id)?.rollout ?? ended.get(id);
    if (known !== undefined) return known;
    // What ended just now is known before the end of its log is durable.
    await reconciler.flush();
    const rollout = fleet.found(fleet.fold(await store.rolloutLog(id)), `the log of rollout ${id} is no longer kept`);
    ended.set(id, rollout);
    return rollout;
  }

  const named = (agent: string) => {
    const member = roster.get(agent);
    return { agent, name: member === undefined ? agent : fleet.nameOf(member.agent.identity) };
  };

  const examplesOf = (agents: readonly string[]) => agents.slice(0, API_LIMITS.failureExamples).map(named);

  /** Those that read the same together, the most frequent first; also of those that were taken back since. */
  function failuresOf(targets: Iterable<fleet.Target>) {
    const isCause = ({ reason }: fleet.Target) => fleet.FAILURE_REASONS.some((one) => one === reason);
    const failed = [...targets].filter((target) => target.state !== 'inconclusive' && isCause(target));
    const alike = Map.groupBy(failed, ({ reason, message }) => JSON.stringify({ reason, message }));
    const failures = Array.from(alike, ([cause, same]) => ({
      ...(JSON.parse(cause) as { reason: fleet.FailureReason; message: string }),
      count: same.length,
      examples: examplesOf(same.map(({ agent }) => agent)),
    }));
    return failures.sort((a, b) => b.count - a.count);
  }

  /** How each stage stands. Who was left out at the start is in none. */
  function stagesOf({ id, stages, targets }: fleet.Rollout) {
    const waiting = rollouts.active(id)?.waiting;
    const told = stages.map(({ name, planned }, at) => ({
      name,
      planned,
      counts: { ...noCounts(), pending: waiting?.countOf(at) ?? 0 },
    }));
    for (const { stage, state } of targets.values()) {
      const counts = told[stage]?.counts;
      if (counts !== undefined && state !== 'skipped') counts[state] += 1;
    }
    return told;
  }

  /** Those on the way longest; where nobody is, those that the open stage waits for. */
  function stragglersOf(rollout: fleet.Rollout) {
    const at = now();
    const onTheWay = rollout.targets.values().filter(({ state }) => fleet.OPEN.has(state) || state === 'reverting');
    const waiting = rollouts.active(rollout.id)?.waiting.upTo(rollout.stage) ?? [];
    const found: { agent: string; state: TargetState; since: fleet.Instant }[] =
      onTheWay.length > 0
        ? onTheWay.map(({ agent, state, at }) => ({ agent, state, since: sinceOf(agent, at) }))
        : Array.from(rollout.state === 'running' ? waiting : [], ({ agent: { identity }, presence }) => ({
            agent: identity.id,
            state: 'pending',
            since: presence.disconnectedAt ?? rollout.lastProgress,
          }));
    const held = onTheWay.length > 0 || rollout.parent === null ? [] : heldBy(rollout);
    return longest(found).map(({ agent, state, since }) => {
      const member = roster.get(agent);
      const reason = member === undefined ? 'it was deleted' : fleet.waitsFor(member.agent, member.presence, at, held);
      return { ...named(agent), state, since, reason };
    });
  }

  const heldBy = (rollout: fleet.Rollout): string[] =>
    fleet.placesHeldBy(
      rollout,
      rollouts.running().filter(({ parent }) => parent === rollout.parent),
    );

  const sinceOf = (agent: string, at: fleet.Instant) => roster.get(agent)?.agent.ledger?.offeredAt ?? at;

  /** Typical time from offer to proof, of the proofs of late. */
  function eachTakes({ id, targets }: fleet.Rollout): fleet.Millis | null {
    const took = targets
      .values()
      .slice(-PROOFS_LOOKED_AT)
      .flatMap(({ agent }) => {
        const ledger = roster.get(agent)?.agent.ledger ?? null;
        if (ledger?.provenAt == null || fleet.broughtBy(ledger) !== id) return [];
        return ledger.provenAt - ledger.offeredAt;
      });
    return took.sort((a, b) => a - b)[Math.floor(took.length / 2)] ?? null;
  }

  function eta(rollout: fleet.Rollout): fleet.Instant | null {
    const waiting = rollouts.active(rollout.id)?.waiting;
    if (waiting === undefined) return null;
    const pace = { waiting: rollout.stages.map((_, at) => waiting.countOf(at)), each: eachTakes(rollout) };
    return fleet.etaOf(rollout, pace, now());
  }

  /** It may have gone on, or ended, while its log was read: what is told is of one moment. */
  function part(read: fleet.Rollout) {
    const rollout = rollouts.active(read.id)?.rollout ?? read;
    return {
      ...view(rollouts.summary(read.id)),
      stages: stagesOf(rollout),
      failures: failuresOf(rollout.targets.values()),
      stragglers: stragglersOf(rollout),
      eta: eta(rollout),
    };
  }

  /** A rollout, or the parent of a push to several groups. */
  async function detail(id: string) {
    const read = await Promise.all(rollouts.family(id).map((one) => whole(one.id)));
    const parts = read.map(part);
    const [first] = parts;
    if (first === undefined) throw new RangeError(`rollout ${id} has no part`);
    if (first.id === id) return { ...first, children: [] };
    const failures = failuresOf(read.flatMap(({ targets }) => targets.values()));
    return { ...first, ...sumsOf(parts), id, failures, children: parts };
  }

  /** What the parent of several rollouts has instead of what each of them has. */
  function sumsOf(parts: readonly ReturnType<typeof part>[]) {
    const sum = (of: (one: ReturnType<typeof part>) => number) => parts.reduce((all, one) => all + of(one), 0);
    const etas = parts.filter(({ state }) => !fleet.TERMINAL.has(state)).map((one) => one.eta);
    const ends = parts.map(({ endedAt }) => endedAt);
    const state = WORST.find((worst) => parts.some((one) => one.state === worst)) ?? 'running';
    return {
      state,
      ...{
        group: null,
        strategy: null,
        from: null,
        parent: null,
        takesBack: null,
        supersedes: null,
        supersededBy: null,
      },
      ...{ digest: '', stage: 0, stages: [], watchedUntil: null },
      pause: parts.find(({ pause }) => pause !== null)?.pause ?? null,
      rollback: parts.find(({ rollback }) => rollback !== null)?.rollback ?? null,
      planned: sum(({ planned }) => planned),
      inFlight: sum(({ inFlight }) => inFlight),
      maxInFlight: Math.max(...parts.map(({ maxInFlight }) => maxInFlight)),
      maxFailed: sum(({ maxFailed }) => maxFailed),
      maxLost: sum(({ maxLost }) => maxLost),
      maxDeferred: sum(({ maxDeferred }) => maxDeferred),
      spent: {
        failed: sum(({ spent }) => spent.failed),
        unwell: sum(({ spent }) => spent.unwell),
        lost: sum(({ spent }) => spent.lost),
      },
      counts: Object.fromEntries(STATES.map((one) => [one, sum(({ counts }) => counts[one])])) as Counts,
      stragglers: longest(parts.flatMap(({ stragglers }) => stragglers)),
      eta: etas.length === 0 || etas.includes(null) ? null : Math.max(...etas.map(Number)),
      endedAt: ends.includes(null) ? null : Math.max(...ends.map(Number)),
    };
  }

  const pendingOf = ({ id, targets }: fleet.Rollout) =>
    Array.from(rollouts.active(id)?.waiting.ids() ?? [])
      .filter((agent) => !targets.has(agent))
      .map((agent) => ({ ...pendingTarget(agent), rollout: id }));

  /** The ledger entry of what an agent did for a rollout. */
  async function entryOf(agent: string, rollout: string): Promise<fleet.LedgerEntry | undefined> {
    const isIts = (entry: fleet.LedgerEntry) => fleet.broughtBy(entry) === rollout;
    const present = roster.get(agent)?.agent.ledger;
    return present != null && isIts(present) ? present : (await store.ledger(agent)).find(isIts);
  }

  /** What became of each agent, those still to come last. */
  async function targets(id: string) {
    const family = await Promise.all(rollouts.family(id).map((one) => whole(one.id)));
    return family.flatMap((rollout) => [
      ...rollout.targets.values().map((target) => ({ ...target, rollout: rollout.id })),
      ...pendingOf(rollout),
    ]);
  }

  async function targetView(target: Awaited<ReturnType<typeof targets>>[number]) {
    const entry = target.state === 'pending' ? undefined : await entryOf(target.agent, target.rollout);
    const failedAt = entry?.failure?.at ?? null;
    return { ...NOTHING_DONE, ...entry, failedAt, ...target, ...named(target.agent) };
  }

  return { view, detail, targets, targetView, examplesOf };
}
