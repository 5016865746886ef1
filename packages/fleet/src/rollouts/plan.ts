/** Who is in which stage, and who is left out: decided once, by the same code that shows it before (A.6). */
import { type Agent, type AgentId, can, isFlapping, isVerifiable, type Presence, refusalOf } from '../agents/agent.ts';
import { labelsOf } from '../agents/labels.ts';
import { matches, parseSelector } from '../agents/selector.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import { broughtBy, isOpen } from '../convergence/ledger.ts';
import type { Instant } from '../time.ts';
import type {
  Observation,
  PlannedStage,
  Rollout,
  RolloutEvent,
  RolloutHeader,
  RolloutRequest,
  SkipReason,
} from './rollout.ts';
import { freeOwnSlots, freeSlots, mayBeAdmitted, OPEN } from './rollout.ts';
import { boundsOf, canarySize, percentOf, portion, type Strategy } from './strategy.ts';

/** An agent and where it is. */
export interface Placed {
  readonly agent: Agent;
  readonly presence: Presence;
}

/** Why an agent cannot be a target, or undefined when it can. Connected or not is another matter: it may come back. */
export function skipReason(agent: Agent, target: RevisionRef): SkipReason | undefined {
  const { identity } = agent;
  if (identity.admission !== 'open') return 'not-admitted';
  if (identity.pin !== null) return 'pinned';
  if (!can(identity, 'AcceptsRemoteConfig')) return 'no-remote-config';
  if (refusalOf(agent, target.hash) !== undefined) return 'refused-before';
  if (!isVerifiable(identity)) return 'unverifiable';
  return undefined;
}

/** Whom a rank puts first: the same on every replica and database, another one for each seed (A.6). */
export type Rank = (seed: string, agent: AgentId) => string;

/** SHA-256 (hex) of a text. */
export type Digest = (text: string) => string;

/** Agents that are alike: distribution, version, system and components in the build (A.6). */
export interface Stratum {
  readonly name: string;
  readonly agents: number;
  readonly canary: number;
}

export interface Plan {
  readonly header: RolloutHeader;
  /** The most agents first. None of a stratum whose `canary` is 0 is tried before the second stage. */
  readonly strata: readonly Stratum[];
  /** The planned, in the order in which they have their turn, with their ranks. */
  readonly order: readonly { readonly agent: AgentId; readonly rank: string }[];
}

export const isIll = ({ report: { health } }: Agent): boolean => health?.healthy === false;

/** Freezes what the rollout will be judged by: who is in which stage, who is skipped and why, the bounds (I4). */
export function planRollout(request: RolloutRequest, members: readonly Placed[], rank: Rank, digest: Digest): Plan {
  const { strategy, target, seed } = request;
  // In an order of their own, whatever that of the members is: the plan is the same on every replica (T-A4).
  const skipped = members
    .flatMap(({ agent }): Observation[] => {
      const reason = skipReason(agent, target);
      return reason === undefined ? [] : [{ agent: agent.identity.id, state: 'skipped', reason, message: '' }];
    })
    .sort((a, b) => (a.agent < b.agent ? -1 : 1));
  const left = new Set(skipped.map(({ agent }) => agent));
  const ranked = members
    .filter(({ agent }) => !left.has(agent.identity.id))
    .map(({ agent, presence }) => ({ agent, presence, rank: rank(seed, agent.identity.id) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const planned = ranked.length;
  const { strata, canary } = chooseCanary(strategy, ranked);
  const first = new Set(canary);
  const others = ranked.filter(({ agent }) => !first.has(agent.identity.id));
  const stages = stagesOf(
    strategy,
    canary.length,
    others.map(({ rank }) => rank),
  );
  const inFlight = members.filter(({ agent }) => isInFlight(agent));
  const carried = inFlight.map(({ agent }) => agent.identity.id).sort();
  const plan = { ...request, planned, ...boundsOf(strategy, planned), stages, canary, carried, skipped };
  // Ids are made at the start, and who is still in flight of the last rollout changes by the second: neither is the plan.
  const { id: _id, author: _author, message: _message, parent: _parent, carried: _carried, ...bound } = plan;
  const ids = ({ agent, rank }: Ranked) => ({ agent: agent.identity.id, rank });
  const order = [...ranked.filter(({ agent }) => first.has(agent.identity.id)), ...others].map(ids);
  const turns = order.map(({ agent }) => agent);
  return { header: { ...plan, digest: digest(JSON.stringify([bound, turns])) }, strata, order };
}

/** Who may hold another rollout's revision without proof, the last one's or that of one before it. */
const isInFlight = ({ ledger }: Agent): boolean => isOpen(ledger) && broughtBy(ledger) !== undefined;

/** Fewer than this are one and the rest. */
const FEW = 10;

/**
 * The stages over so many agents: a boundary stands after the agent that fills its share, the last one after everybody.
 * `ranks` are those outside of the canary, in order. A stage that would be empty is none (T-A4).
 */
export function stagesOf(
  { stages }: Pick<Strategy, 'stages'>,
  canary: number,
  ranks: readonly string[],
): PlannedStage[] {
  const all = canary + ranks.length;
  const names = canary > 0 && all < FEW ? (['canary', '100%'] as const) : stages;
  let before = 0;
  return names.flatMap((name): PlannedStage[] => {
    const until = name === 'canary' ? canary : Math.max(before, portion(percentOf(name), all, 'up'));
    const planned = until - before;
    before = until;
    if (planned === 0) return [];
    const upTo = name === 'canary' || until === all ? null : (ranks[until - canary - 1] ?? null);
    return [{ name, planned, upTo }];
  });
}

type Ranked = Placed & { readonly rank: string };

/** The first agents of each kind, at least one of each while there is room, the largest kinds first (A.6). */
function chooseCanary(strategy: Strategy, ranked: readonly Ranked[]) {
  const kinds = Map.groupBy(ranked, ({ agent }) => stratumOf(agent));
  const strata = [...kinds].sort(([a, as], [b, bs]) => bs.length - as.length || (a < b ? -1 : 1));
  if (strategy.stages[0] !== 'canary') {
    return { canary: [], strata: strata.map(([name, { length }]) => ({ name, agents: length, canary: 0 })) };
  }
  const selector = parseSelector(strategy.canary.selector);
  const isFit = ({ agent, presence }: Ranked): boolean =>
    presence.connected && !isIll(agent) && matches(selector, labelsOf(agent.identity));
  const fit = new Map(strata.map(([name, agents]) => [name, agents.filter(isFit)]));
  const most = ranked.length < FEW ? 1 : Math.min(strategy.canary.max, ranked.length);
  const kindsFit = [...fit.values()].filter(({ length }) => length > 0).length;
  const size = Math.min(most, Math.max(canarySize(strategy, ranked.length), kindsFit));
  const quotas = quotasOf(
    [...fit].map(([name, { length }]) => [name, length]),
    size,
  );
  const chosen = [...fit].flatMap(([name, agents]) => agents.slice(0, quotas.get(name)));
  // With nobody fit, somebody has to be first all the same.
  const canary = (chosen.length > 0 ? chosen : ranked.slice(0, size)).map(({ agent }) => agent.identity.id);
  const first = new Set(canary);
  return {
    canary,
    strata: strata.map(([name, agents]) => {
      const tried = agents.filter(({ agent }) => first.has(agent.identity.id)).length;
      return { name, agents: agents.length, canary: tried };
    }),
  };
}

/** One each, as far as `places` go, and the rest by largest remainder. */
function quotasOf(kinds: readonly (readonly [name: string, agents: number])[], places: number): Map<string, number> {
  const some = kinds.filter(([, agents]) => agents > 0);
  const all = some.reduce((sum, [, agents]) => sum + agents, 0);
  const quotas = new Map(some.map(([name], at) => [name, at < places ? 1 : 0]));
  let left = Math.min(places, all) - Math.min(places, some.length);
  while (left > 0) {
    const due = ([name, agents]: readonly [string, number]): number => {
      const has = quotas.get(name) ?? 0;
      return has < agents ? (agents / all) * places - has : Number.NEGATIVE_INFINITY;
    };
    const [next] = [...some].sort((a, b) => due(b) - due(a));
    if (next === undefined) break;
    quotas.set(next[0], (quotas.get(next[0]) ?? 0) + 1);
    left -= 1;
  }
  return quotas;
}

const STRATUM_LABELS = ['service.name', 'service.version', 'os.type', 'host.arch'] as const;

function stratumOf({ identity }: Agent): string {
  const labels = labelsOf(identity);
  const told = STRATUM_LABELS.flatMap((label) => labels[label] ?? []);
  const components = identity.components?.hash.slice(0, 8);
  return [...told, ...(components ? [components] : [])].join(' ') || 'unknown';
}

/**
 * The stage of an agent, planned or late, by its rank: a function of the plan, so that no list of members is kept (A.6).
 * Who is ill has its turn last, when the others have shown what the revision does (A.5).
 */
export function stageOf(
  { canary, stages }: Pick<Rollout, 'canary' | 'stages'>,
  agent: AgentId,
  rank: () => string,
  isIll: boolean,
): number {
  const last = Math.max(0, stages.length - 1);
  // Where nobody is well, somebody ill has to be first all the same.
  if (last === 0 || canary.includes(agent)) return 0;
  if (isIll) return last;
  const own = rank();
  const at = stages.findIndex(({ upTo }) => upTo !== null && own <= upTo);
  return at === -1 ? last : at;
}

/** Whether the rollout still has a turn for the agent, when it can be reached. Who came to a group's first rollout waits for its end (A.7). */
export const isCandidate = (rollout: Rollout, agent: Agent): boolean =>
  mayBeAdmitted(rollout, agent.identity.id) &&
  skipReason(agent, rollout.target) === undefined &&
  !(rollout.from === null && isLate(rollout, agent));

/** It came into the group after the start. */
export const isLate = ({ createdAt }: Rollout, { identity: { group } }: Agent): boolean =>
  group !== null && group.since > createdAt;

/** Of those who wait, in their order, `room` at most whom to admit now: as many as may be in flight (I1), none that cannot be reached. */
export function admissible(
  rollout: Rollout,
  waiting: Iterable<Placed>,
  room: number,
  now: Instant,
): Extract<RolloutEvent, { type: 'admitted' }>['agents'] {
  const { carried } = rollout;
  const admitted: { agent: AgentId; late: boolean }[] = [];
  let slots = freeSlots(rollout);
  const most = Math.min(room, freeOwnSlots(rollout));
  for (const member of waiting) {
    if (admitted.length === most || (slots === 0 && carried.size === 0)) break;
    const { agent } = member;
    const { id } = agent.identity;
    // Who was carried over has a place already.
    const takesSlot = !carried.has(id);
    if ((slots === 0 && takesSlot) || !isReady(member, now) || !isCandidate(rollout, agent)) continue;
    const late = isLate(rollout, agent);
    if (late && !(admitted.some((one) => !one.late) || isOpenToLate(rollout))) continue;
    admitted.push({ agent: id, late });
    if (takesSlot) slots -= 1;
  }
  return admitted;
}

/**
 * Late ones join a stage for as long as it is at work on those planned, or nobody has proven anything: else one that comes
 * now and then would keep it open for ever (I16).
 */
const isOpenToLate = ({ targets, counts, watchedUntil }: Rollout): boolean =>
  watchedUntil === null &&
  (counts.proven === 0 || targets.values().some(({ state, late }) => !late && OPEN.has(state)));

/** Whether an agent can be given the revision now; who has something else under way is waited for. */
const isReady = (member: Placed, now: Instant): boolean =>
  isReachable(member, now) && member.presence.synced && !isBusy(member.agent);

/** There, and not coming and going (A.7). */
export const isReachable = ({ presence }: Placed, now: Instant): boolean =>
  presence.connected && !isFlapping(presence, now);

/** The catch-up lane, a pin or a rollback has it in hand (I1). */
const isBusy = ({ ledger }: Agent): boolean => isOpen(ledger) && broughtBy(ledger) === undefined;
