/** What is watched at each event of a rollout that becomes durable: I1, I4, I11, I15, A.5. */
import * as fleet from '@flaghoist/fleet';
import type { RolloutLog, RolloutSummary } from '../../../src/storage/store.ts';
import type { EnvironmentLaws } from './environment.ts';
import type { Evidence } from './evidence.ts';
import type { FailureLaws } from './failures.ts';
import type { Refusals } from './refusals.ts';
import type { Returns } from './returns.ts';
import { isActive, json } from './rows.ts';
import type { TravelLaws } from './travel.ts';

/** Whether a person is to look behind the open stage: gates stand where their share of the plan ends, whatever stages came of it. */
function hasGate({ canary, planned, stage, stages, strategy, from }: fleet.Rollout): boolean {
  const upTo = (many: number) => stages.slice(0, many).reduce((sum, one) => sum + one.planned, 0);
  const [passed, next] = [upTo(stage + 1), stage + 1 < stages.length ? upTo(stage + 2) : Number.POSITIVE_INFINITY];
  const isHere = (after: fleet.StageName): boolean => {
    const most =
      after === 'canary'
        ? canary.length
        : Math.max(canary.length, Math.ceil(planned * (Number.parseFloat(after) / 100) - 1e-9));
    return most >= passed && most < next;
  };
  const isFirst = from === null && stages[stage]?.name === 'canary' && next !== Number.POSITIVE_INFINITY;
  return isFirst || strategy.gates.some(({ after }) => isHere(after));
}

/** Those that watch more of it. */
interface Others {
  readonly refusals: Refusals;
  readonly returns: Returns;
  readonly travel: TravelLaws;
  readonly failures: FailureLaws;
  readonly environment: EnvironmentLaws;
}

export class RolloutLaws {
  readonly #evidence: Evidence;
  readonly #others: Others;
  /** When everybody of the open stage had an outcome; who was unclear then, and proves it since, begins no other soak. */
  readonly #soakingSince = new Map<string, number>();
  /** The first summary of a rollout that was written. */
  readonly #frozen = new Map<string, RolloutSummary>();

  constructor(evidence: Evidence, others: Others) {
    this.#evidence = evidence;
    this.#others = others;
  }

  /** An older copy of the database was put back: its log tells what happened. */
  travel(): void {
    this.#soakingSince.clear();
    for (const log of this.#evidence.world.database.logs.values())
      for (const { rollout, event, at } of log) if (event.type === 'soaking') this.#soakingSince.set(rollout, at);
  }

  /** An event is about to stand in the log. */
  happens({ rollout: id, version, event, at, author }: RolloutLog): void {
    const { folds } = this.#evidence;
    const before = folds.get(id) ?? null;
    const isNext = version === (before?.version ?? 0) + 1;
    this.#evidence.hold(
      'I15',
      isNext,
      () => `${event.type} of rollout ${id} has number ${version} after ${before?.version}`,
    );
    let after: fleet.Rollout;
    try {
      after = fleet.step(before, json(event), at);
    } catch (error) {
      this.#evidence.broken('I15', `the log cannot be folded: ${(error as Error).message}`);
      return;
    }
    folds.set(id, after);
    this.#note(after, event);
    this.#others.failures.happens(before, after);
    if (before === null) return;
    this.#others.environment.happens(before, event, author);
    this.#checkEvent(before, event, after, at);
  }

  #note(after: fleet.Rollout, { type }: fleet.RolloutEvent): void {
    const { id, counts, pause, targets } = after;
    const { proven, world } = this.#evidence;
    const state = after.state === 'paused' ? `paused (${pause?.reason})` : after.state;
    world.note(`rollout ${id} ${type}: ${state} ${JSON.stringify(counts)}`);
    const all = proven.get(id) ?? new Set();
    for (const target of targets.values()) if (target.state === 'proven') all.add(target.agent);
    proven.set(id, all);
  }

  #checkEvent(before: fleet.Rollout, event: fleet.RolloutEvent, after: fleet.Rollout, at: number): void {
    const { id, planned, counts, target } = after;
    this.#others.travel.happens(before, event, after, at);
    switch (event.type) {
      case 'admitted':
        if (event.found !== true) this.#checkPlaces(before, after);
        break;
      case 'retried':
        this.#checkPlaces(before, after);
        this.#others.refusals.retried(event.agents, target.hash);
        break;
      case 'soaking':
        this.#soakingSince.set(id, at);
        break;
      case 'advanced':
        this.#checkPassing(before, after, at);
        break;
      case 'observed':
        this.#others.returns.observed(before, after);
        break;
      case 'reverting':
        this.#others.returns.ordered(after, event.agents);
        break;
      case 'succeeded':
        this.#evidence.hold('I11', counts.proven > 0 || planned === 0, () => `rollout ${id} succeeded without a proof`);
    }
  }

  /** I1, of this rollout and over those of one push. */
  #checkPlaces(before: fleet.Rollout, after: fleet.Rollout): void {
    const places = fleet.inFlight(after);
    const { maxInFlight } = fleet.boundsNow(after);
    const grew = places > fleet.inFlight(before);
    this.#evidence.hold(
      'I1',
      places <= maxInFlight || !grew,
      () => `${places} in flight in rollout ${after.id}, ${maxInFlight} are allowed`,
    );
    if (after.parent === null) return;
    const family = [...this.#evidence.folds.values()].filter((one) => one.parent === after.parent && isActive(one));
    const sum = (some: readonly fleet.Rollout[]) => some.reduce((all, one) => all + fleet.inFlight(one), 0);
    const all = sum(family);
    const most = Math.max(...family.map((one) => fleet.boundsNow(one).maxInFlight));
    const isBounded = all <= most && sum(family.filter(fleet.isCanary)) <= fleet.CANARY_IN_FLIGHT;
    this.#evidence.hold(
      'I1',
      isBounded || !grew,
      () => `${all} in flight in the push ${after.parent}, ${most} are allowed`,
    );
  }

  /** A.5: a stage passes by proof and time, or by a person's word. */
  #checkPassing(before: fleet.Rollout, after: fleet.Rollout, at: number): void {
    const { id, stages, stage, strategy, targets, waived, counts } = before;
    const hold = (law: string, holds: boolean, what: string) =>
      this.#evidence.hold(
        law,
        holds,
        () => `rollout ${id} leaves stage ${stages[stage]?.name} ${JSON.stringify(counts)}: ${what}`,
      );
    hold('A.5', fleet.inFlight(before) === 0, 'somebody is in flight');
    const own = targets.values().filter((target) => target.stage === stage);
    const proven = own.filter(({ state }) => state === 'proven');
    const judged = own.filter(
      (target) => target.state === 'proven' || target.state === 'inconclusive' || fleet.hasFailed(target),
    );
    const soak = fleet.isCanary(before) ? strategy.soak.canary : strategy.soak.stage;
    const since = at - (this.#soakingSince.get(id) ?? at);
    hold('A.5', since >= soak, `${since} ms after everybody had an outcome, ${soak} are asked`);
    hold('I11', proven.length > 0 || counts.proven > 0, 'nobody is proven');
    const { threshold } = fleet.boundsNow(before);
    const isEnough =
      judged.length === 0 || (100 * proven.length) / judged.length >= threshold || waived.threshold === stage;
    hold('A.5', isEnough, `${proven.length} of ${judged.length} proven`);
    const isAtGate = after.state === 'paused' && after.pause?.reason === 'gate';
    hold('A.5', isAtGate === hasGate(before), `a gate ${isAtGate ? 'stands' : 'does not stand'} behind it`);
  }

  /** I4: what it was planned with stays, failures never become fewer. */
  summarised(row: RolloutSummary): void {
    const first = this.#frozen.get(row.id) ?? row;
    const before = this.#evidence.world.database.rollouts.get(row.id) ?? row;
    this.#frozen.set(row.id, first);
    const isSame = (['planned', 'maxInFlight', 'maxFailed', 'maxLost', 'digest'] as const).every(
      (name) => first[name] === row[name],
    );
    this.#evidence.hold('I4', isSame, () => `the bounds of rollout ${row.id} changed`);
    const { failed, lost } = row.spent;
    const grows = failed >= before.spent.failed && lost >= before.spent.lost;
    this.#evidence.hold('I4', grows, () => `failures of rollout ${row.id} fell to ${failed}, ${lost} lost`);
  }
}
