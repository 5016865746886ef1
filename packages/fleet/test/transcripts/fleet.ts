/**
 * The fleet of a transcript: agents, groups and their rollouts, and around them only what the server's shell does too. Who
 * gets what, and when, is said by the package's own functions.
 */
import type { Agent } from '../../src/agents/agent.ts';
import type { RevisionRef } from '../../src/configurations/revision.ts';
import { assign, forgiving, unassign } from '../../src/convergence/assignment.ts';
import { mustReconnect } from '../../src/convergence/crossing.ts';
import { markSent } from '../../src/convergence/entry.ts';
import { broughtBy } from '../../src/convergence/ledger.ts';
import { decideOffer } from '../../src/convergence/pull-law.ts';
import { settle } from '../../src/convergence/settle.ts';
import { CATCH_UP_TERMS, lane, needsCatchUp, runsAlready } from '../../src/rollouts/catch-up.ts';
import { controlGroup } from '../../src/rollouts/control-group.ts';
import { decide } from '../../src/rollouts/decide.ts';
import { byNeed, familyRoom, hasTripped } from '../../src/rollouts/family.ts';
import { observation } from '../../src/rollouts/observation.ts';
import { isCandidate, isIll, planRollout, stageOf } from '../../src/rollouts/plan.ts';
import {
  type Observation,
  type Rollout,
  type RolloutEvent,
  type RolloutRequest,
  TERMINAL,
} from '../../src/rollouts/rollout.ts';
import type { Surroundings } from '../../src/rollouts/surroundings.ts';
import { step } from '../../src/rollouts/transitions.ts';
import { eventOf, type Verb } from '../../src/rollouts/verbs.ts';
import type { Instant } from '../../src/time.ts';
import { rank, sha256 } from '../rollouts.ts';
import { T0 } from '../samples.ts';
import { type Host, verdictOn } from './host.ts';

const SECOND = 1_000;
const WITHDRAWN = /superseded|cancelled|rolling-back|rolled-back/;

export interface Group {
  readonly name: string;
  stable: RevisionRef | null;
  readonly condemned: Set<string>;
}

/** Who is told of what happens. */
export interface Listener {
  rollout(before: Rollout | null, event: RolloutEvent, after: Rollout, now: Instant): void;
  /** The lane brings an agent the group's stable revision. */
  caughtUp(host: Host, to: RevisionRef, now: Instant): void;
  /** It has proven what it should run, and no rollout was there to hear it. */
  proven(host: Host, now: Instant): void;
}

export class Fleet {
  now: Instant = T0;
  readonly hosts: Host[] = [];
  readonly groups = new Map<string, Group>();
  readonly rollouts = new Map<string, Rollout>();
  readonly #listener: Listener;
  readonly #ranks = new Map<string, string>();
  readonly #observed = new Map<string, Observation[]>();

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  active(): Rollout[] {
    return [...this.rollouts.values()].filter(({ state }) => !TERMINAL.has(state));
  }

  activeOf = (group: string): Rollout | undefined => this.active().find((one) => one.group === group);

  membersOf = (group: string): Host[] => this.hosts.filter(({ agent }) => agent.identity.group?.name === group);

  host = (id: string): Host | undefined => this.hosts.find((one) => one.id === id);

  /** @throws when the group has a rollout and `supersedes` does not name it. */
  start(request: RolloutRequest): void {
    const before = this.activeOf(request.group);
    if ((before?.id ?? null) !== request.supersedes) throw new Error(`rollout ${before?.id} is active: supersede it`);
    const { header } = planRollout(request, this.membersOf(request.group), rank, sha256);
    if (before !== undefined) this.#apply(before, { type: 'superseded', by: request.id });
    this.#apply(null, { type: 'started', header });
    this.settle();
  }

  /** What a person asks. @throws FleetError `conflict`. */
  ask(rollout: Rollout, asked: Verb): void {
    const event = eventOf(rollout, asked);
    if (event !== undefined) this.#apply(rollout, event);
    this.settle();
  }

  wait(millis: number): void {
    for (const until = this.now + millis; this.now < until; ) {
      this.now += SECOND;
      for (const host of this.hosts) host.pass(this.now);
      this.settle();
    }
  }

  /** All that follows from what is now, in turns as the server's. */
  settle(): void {
    for (let turns = 0; turns < 100; turns += 1) {
      for (const host of this.hosts) this.#judge(host);
      const isNews = this.active().map((rollout) => this.#foldObserved(rollout));
      const isStopped = this.active().map((rollout) => rollout.parent !== null && this.#decide(rollout.id, 0));
      const inTurn = this.active().sort(byNeed);
      const isMoved = inTurn.map((rollout) => this.#decide(rollout.id));
      const isCaughtUp = this.hosts.map((host) => this.#catchUp(host));
      const isSent = this.hosts.map((host) => this.#offer(host));
      if (![...isNews, ...isStopped, ...isMoved, ...isCaughtUp, ...isSent].includes(true)) return;
    }
    throw new Error('the turns do not end');
  }

  #judge(host: Host): void {
    const group = host.agent.identity.group?.name ?? null;
    const before = host.agent.ledger?.phase;
    host.agent = settle(host.agent, host.presence, { groupOf: () => group, verdictOn }, this.now);
    if (mustReconnect(host.agent, host.presence, this.now)) host.comeBack(this.now);
    this.#tell(host);
    const { ledger } = host.agent;
    if (ledger?.phase !== 'proven' || before === 'proven' || ledger.sentAt === null) return;
    const { source } = ledger;
    const rollout = 'rollout' in source ? this.rollouts.get(source.rollout ?? '') : undefined;
    const isHeard = this.active().some(({ id, carried }) => id === rollout?.id || carried.has(host.id));
    if (!isHeard) this.#listener.proven(host, this.now);
  }

  /** The rollouts hear how it stands. */
  #tell(host: Host): void {
    if (host.heard === host.agent.ledger) return;
    for (const rollout of this.active()) {
      const news = observation(host.heard, host.agent, rollout);
      if (news === undefined) continue;
      this.#observed.set(rollout.id, [...(this.#observed.get(rollout.id) ?? []), news]);
    }
    host.heard = host.agent.ledger;
  }

  /** Folds what was heard; whether anything was. */
  #foldObserved(rollout: Rollout): boolean {
    const changes = this.#observed.get(rollout.id) ?? [];
    this.#observed.delete(rollout.id);
    if (changes.length > 0) this.#apply(rollout, { type: 'observed', changes });
    return changes.length > 0;
  }

  /** Decides until nothing is left to decide; whether anything was. */
  #decide(id: string, room = 250): boolean {
    const rollout = () => this.rollouts.get(id) as Rollout;
    const { version } = rollout();
    for (let steps = 0; steps < 100; steps += 1) {
      const event = decide(rollout(), this.#around(rollout(), room), this.now);
      if (event === undefined) return rollout().version > version;
      this.#apply(rollout(), event);
    }
    throw new Error(`it decides for ever: ${rollout().state}`);
  }

  #around(rollout: Rollout, room: number): Surroundings {
    const { id, group, parent, seed, stage } = rollout;
    const family = [...this.rollouts.values()].filter((one) => parent !== null && one.parent === parent);
    const members = this.membersOf(group);
    const waiting = (until: number) =>
      members
        .filter(({ agent }) => isCandidate(rollout, agent))
        .map((host) => ({ host, rank: this.#rank(seed, host.id) }))
        .map((one) => ({ ...one, stage: stageOf(rollout, one.host.id, () => one.rank, isIll(one.host.agent)) }))
        .filter((one) => one.stage <= until)
        .sort((a, b) => a.stage - b.stage || (a.rank < b.rank ? -1 : 1))
        .map(({ host }) => host);
    const isDoubtful = ({ agent: { ledger }, presence }: Host) =>
      ledger?.phase === 'proven' && broughtBy(ledger) === id && (!presence.connected || ledger.unhealthySince !== null);
    return {
      waiting: () => waiting(stage),
      untouched: () => waiting(rollout.stages.length),
      member: (agent) => this.host(agent)?.agent,
      control: () => controlGroup(rollout, members, T0),
      condemned: this.#group(group).condemned,
      doubtful: () => members.filter(isDoubtful),
      upSince: T0,
      isReturning: () => false,
      room,
      familyRoom: parent === null ? Number.POSITIVE_INFINITY : familyRoom(rollout, family.filter(isActive)),
      trippedSibling: family.find((one) => one.id !== id && hasTripped(one))?.id ?? null,
    };
  }

  #rank(seed: string, id: string): string {
    const known = this.#ranks.get(`${seed} ${id}`) ?? rank(seed, id);
    this.#ranks.set(`${seed} ${id}`, known);
    return known;
  }

  #apply(before: Rollout | null, event: RolloutEvent): void {
    const after = step(before, event, this.now);
    this.rollouts.set(after.id, after);
    this.#listener.rollout(before, event, after, this.now);
    this.#carryOut(after, event);
    const group = this.#group(after.group);
    if (after.state === 'succeeded') group.stable = after.target;
    if (after.state === 'rolling-back') group.condemned.add(after.target.hash);
  }

  /** What an event orders its agents to run. */
  #carryOut({ id, target, targets, strategy: { terms } }: Rollout, event: RolloutEvent): void {
    const change = (agent: string, changed: (agent: Agent) => Agent) => {
      const host = this.host(agent);
      if (host !== undefined) host.agent = changed(host.agent);
    };
    const { now } = this;
    switch (event.type) {
      case 'admitted':
        for (const { agent } of event.agents)
          change(agent, (one) => assign(one, target, { kind: 'rollout', rollout: id }, terms, now));
        break;
      case 'retried':
        for (const agent of event.agents)
          change(agent, (one) => {
            return assign(forgiving(one, target.hash), target, { kind: 'retry', rollout: id }, terms, now);
          });
        break;
      case 'reverting':
        for (const { agent, to, reason } of event.agents) {
          if (to !== null) change(agent, (one) => assign(one, to, { kind: 'rollback', rollout: id }, terms, now));
          else if (reason === 'no-last-good' || reason === 'not-sent') change(agent, (one) => unassign(one, now));
        }
        break;
      case 'stopped':
        for (const { agent, state } of targets.values())
          if (state === 'offered') change(agent, (one) => unassign(one, now));
        break;
    }
  }

  /** New and returning agents get the stable revision where no rollout decides for them (A.7). */
  #catchUp(host: Host): boolean {
    const { agent, presence } = host;
    const { name = '', stable } = this.groups.get(agent.identity.group?.name ?? '') ?? {};
    if (stable == null || !needsCatchUp(agent, presence, stable, this.now)) return false;
    const active = this.activeOf(name);
    if (active ? active.targets.has(host.id) || broughtBy(agent.ledger) !== undefined : this.#isLeft(agent))
      return false;
    const members = this.membersOf(name);
    const { free } = lane(
      members.map((one) => one.agent),
      members.length,
      stable,
    );
    const isThereAlready = runsAlready(agent, stable, this.now);
    if (free === 0 && !isThereAlready) return false;
    host.agent = assign(agent, stable, { kind: 'catch-up', group: name }, CATCH_UP_TERMS, this.now);
    if (!isThereAlready) this.#listener.caughtUp(host, stable, this.now);
    return true;
  }

  /** A rollout left it with another revision on purpose. */
  #isLeft = ({ ledger }: Agent): boolean =>
    ledger?.source.kind === 'rollback' || this.rollouts.get(broughtBy(ledger) ?? '')?.state === 'stopped-mixed';

  #offer(host: Host): boolean {
    const { agent, presence } = host;
    const decision = decideOffer(agent, presence, this.now);
    if (decision === 'ask-full-state') host.tellAll(this.now);
    const withdrawn = this.rollouts.get(broughtBy(agent.ledger) ?? '')?.state ?? '';
    if (decision !== 'offer' || agent.ledger === null || WITHDRAWN.test(withdrawn))
      return decision === 'ask-full-state';
    host.agent = { ...agent, ledger: markSent(agent.ledger, presence.epoch ?? '', this.now) };
    this.#tell(host);
    host.receive(agent.ledger.revision, this.now);
    return true;
  }

  #group(name: string): Group {
    const group = this.groups.get(name) ?? { name, stable: null, condemned: new Set() };
    this.groups.set(name, group);
    return group;
  }
}

const isActive = ({ state }: Rollout): boolean => !TERMINAL.has(state);
