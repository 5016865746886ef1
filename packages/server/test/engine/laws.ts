/**
 * The laws (I1 to I16 of SPEC.md in `fleet/rollouts`), watched while the world runs: at each byte that leaves, at each transaction that becomes
 * durable, at each start and at the end. What agents did is taken from their own records, never from ours (R28).
 */
import { isDeepStrictEqual } from 'node:util';
import * as fleet from '@flaghoist/fleet';
import {
  type AgentRemoteConfig,
  type RemoteConfigStatus,
  RemoteConfigStatuses as Status,
  uidFromBytes,
} from '@flaghoist/opamp';
import type { JournalEvent } from '../../src/events/journal-event.ts';
import { SERVER_LIMITS } from '../../src/limits.ts';
import { rank } from '../../src/rollouts/active.ts';
import type { Change, RolloutSummary } from '../../src/storage/store.ts';
import { type Moment, type SimulatedAgent, short } from './agent.ts';
import { HttpExchange, type WebSocketLink } from './network.ts';
import type { Plane } from './plane.ts';
import { SECOND, type World } from './world.ts';

/** A law that was broken: its number, and how. */
export interface Violation {
  readonly law: string;
  readonly message: string;
}

interface Offer {
  readonly at: number;
  readonly hash: string;
  readonly epoch: string;
  readonly source: fleet.AssignmentSource;
  readonly generation: number;
}

const json = <T>(value: T): T => JSON.parse(JSON.stringify(value));

function summaryOf({ targets: _targets, carried: _carried, ...summary }: fleet.Rollout): RolloutSummary {
  return summary;
}

const isActive = ({ state }: { readonly state: fleet.RolloutState }): boolean => !fleet.TERMINAL.has(state);
const SILENCE: ReadonlySet<string> = new Set(['lost-contact', 'apply-timeout', 'never-acknowledged']);

export class Laws {
  readonly #world: World;
  violation: Violation | undefined;
  /** Of each rollout, as its durable log tells it. */
  readonly folds = new Map<string, fleet.Rollout>();
  /** What left for an agent, by our id, oldest first. */
  readonly #offers = new Map<fleet.AgentId, Offer[]>();
  /** By rollout: who was sent its revision, and who of them was proven on it at some time. */
  readonly #exposed = new Map<string, Set<fleet.AgentId>>();
  readonly #proven = new Map<string, Set<fleet.AgentId>>();
  /** FAILED that a process has heard: what it asks to be written next holds them. */
  readonly #hearing = new Map<Plane, Set<string>>();
  readonly #asked = new Map<Change, ReadonlySet<string>>();
  /** Agent and hash: refused, and that is durable. */
  readonly #refused = new Set<string>();
  /** The first summary of a rollout that was written. */
  readonly #frozen = new Map<string, RolloutSummary>();
  /** Agents that were two for a while: what they said may have been the other's. */
  readonly #doubled = new Set<fleet.AgentId>();
  /** Which assignments were proven, as agent and generation. */
  readonly #provenOnce = new Set<string>();
  /** Agent and hash: taken back, and that was confirmed; when. */
  readonly #returned = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  broken(law: string, message: string): void {
    this.violation ??= { law, message };
  }

  #hold(law: string, holds: boolean, message: () => string): void {
    if (!holds && this.violation === undefined) this.broken(law, message());
  }

  idOf(uid: string): fleet.AgentId | undefined {
    for (const { id, instanceUid } of this.#world.database.identities.values()) if (instanceUid === uid) return id;
    return undefined;
  }

  // ---- Bytes that leave.

  /** A configuration leaves for an agent. */
  offered(over: WebSocketLink | HttpExchange, uid: Uint8Array, { configHash, config }: AgentRemoteConfig): void {
    const { timeline } = this.#world;
    const hash = Buffer.from(configHash).toString('hex');
    const { agent } = over;
    const told = () => `${short(hash)} leaves for ${agent.describe()}`;
    this.#world.note(`server ${over.plane.number} offers ${short(hash)} to ${agent.nature.name}`);
    const bodies = Object.values(config?.configMap ?? {});
    this.#hold(
      'I8',
      bodies.some(({ body }) => body.length > 0),
      () => `an empty configuration: ${told()}`,
    );
    const id = this.idOf(uidFromBytes(uid));
    const entry = id === undefined ? undefined : this.#sentEntry(id, hash);
    if (id === undefined || entry === undefined) {
      this.broken('I3', `no durable row says so: ${told()}`);
      return;
    }
    const offers = this.#offers.get(id) ?? [];
    this.#offers.set(id, offers);
    const offer = { at: timeline.now, hash, epoch: over.link.id, source: entry.source, generation: entry.generation };
    this.#checkRepetition(id, offer, over, told);
    offers.push(offer);
    this.#checkExposure(id, entry, told);
  }

  /** The newest durable row that says that this hash was sent to the agent (I3). */
  #sentEntry(id: fleet.AgentId, hash: string): fleet.LedgerEntry | undefined {
    const entries = [...(this.#world.database.ledgers.get(id)?.values() ?? [])];
    return entries.findLast(({ revision, sentAt }) => revision.hash === hash && sentAt !== null);
  }

  #checkRepetition(id: fleet.AgentId, offer: Offer, over: WebSocketLink | HttpExchange, told: () => string): void {
    const { hash, source } = offer;
    const offers = this.#offers.get(id) ?? [];
    const last = offers.findLast(({ epoch }) => epoch === offer.epoch);
    // One send for each retry that a human asked for, whatever the agent repeats of the first attempt meanwhile.
    const isRetry = source.kind === 'retry' && !offers.some(({ generation }) => generation === offer.generation);
    const isAgain = last?.hash === hash && !isRetry && !this.#doubled.has(id);
    if (over instanceof HttpExchange) {
      // An answer that was lost is found by a full state, 30 s later at the earliest (ADR 4); the first may have waited for a slow disk.
      const isTwin = this.#world.agents.some((one) => one !== over.agent && one.uid === over.agent.uid);
      const isSoon = isAgain && !isTwin && offer.at - last.at < 24 * SECOND && !this.#hasRestarted(over.agent, last.at);
      this.#hold('I5', !isSoon, () => `a second time within 30 s over HTTP: ${told()}`);
    } else this.#hold('I5', !isAgain, () => `a second time on one connection: ${told()}`);
    this.#hold(
      'I5',
      isRetry || !this.#refused.has(`${id} ${hash}`),
      () => `it said FAILED, and nobody retried: ${told()}`,
    );
  }

  #hasRestarted(agent: SimulatedAgent, since: number): boolean {
    return agent.startedAt > since;
  }

  /** I1 and I6: whoever is sent something by a rollout or the lane has a place. I2: so many may hold it unproven. */
  #checkExposure(id: fleet.AgentId, { source, generation, revision }: fleet.LedgerEntry, told: () => string): void {
    if (this.#provenOnce.has(`${id} ${generation}`)) return; // What was proven on it comes back to it at once (ADR 6).
    if (source.kind === 'catch-up') this.#checkLane(source.group, revision.hash, told);
    if (source.kind !== 'rollout') return;
    const rollout = this.folds.get(source.rollout);
    if (rollout === undefined) {
      this.broken('I7', `no rollout ${source.rollout}: ${told()}`);
      return;
    }
    this.#checkStage(id, rollout, told);
    const heirs = [...this.folds.values()].filter(
      ({ group, state }) => group === rollout.group && state !== 'superseded',
    );
    const state = rollout.targets.get(id)?.state;
    const isOnTheBooks = (state !== undefined && fleet.OPEN.has(state)) || heirs.some(({ carried }) => carried.has(id));
    const present = this.#world.database.ledgerOf(id);
    // What left its hands while the bytes were on their way was counted as failed.
    const isCurrent = present?.generation === generation;
    this.#hold('I1', isOnTheBooks || !isCurrent || state === 'failed', () => `${told()} without a place (${state})`);
    const exposed = (this.#exposed.get(rollout.id) ?? new Set()).add(id);
    this.#exposed.set(rollout.id, exposed);
    const unproven = exposed.difference(this.#proven.get(rollout.id) ?? new Set());
    const bounds = fleet.boundsNow(rollout);
    const { waived, counts } = rollout;
    const mayFail = Math.max(bounds.maxFailed, waived.failed) + Math.max(bounds.maxLost ?? 0, waived.lost);
    const most = bounds.maxInFlight + mayFail + counts.inconclusive;
    this.#hold(
      'I2',
      unproven.size <= most,
      () => `${unproven.size} agents may hold it without proof, ${most} are allowed: ${told()}`,
    );
  }

  /** Nobody of a later stage is touched before the earlier ones have passed. */
  #checkStage(id: fleet.AgentId, rollout: fleet.Rollout, told: () => string): void {
    const { canary, stages, stage, seed } = rollout;
    const own = rank(seed, id);
    const at = stages.findIndex(({ name, upTo }) =>
      name === 'canary' ? canary.includes(id) : upTo === null || own <= upTo,
    );
    this.#hold(
      'A.5',
      at <= stage,
      () => `one of stage ${stages[at]?.name} while ${stages[stage]?.name} is open: ${told()}`,
    );
  }

  /** L1 in SPEC.md of rollouts: 5 % of the group, one at least. */
  #checkLane(group: string, hash: string, told: () => string): void {
    const { database } = this.#world;
    const members = [...database.identities.values()].filter((identity) => identity.group?.name === group);
    const open = members.filter(({ id }) => {
      const entry = database.ledgerOf(id);
      const isLane = entry?.source.kind === 'catch-up' && entry.revision.hash === hash && entry.sentAt !== null;
      return isLane && fleet.isOpen(entry) && !this.#provenOnce.has(`${id} ${entry.generation}`);
    });
    const most = Math.max(1, Math.ceil(members.length / 20));
    this.#hold('I6', open.length <= most, () => `${open.length} catch up at once, ${most} may: ${told()}`);
  }

  // ---- What processes hear.

  heard(plane: Plane, uid: string, { status, lastRemoteConfigHash }: RemoteConfigStatus): void {
    if (status !== Status.RemoteConfigStatuses_FAILED) return;
    const id = this.idOf(uid);
    const hash = Buffer.from(lastRemoteConfigHash).toString('hex');
    if (id === undefined || hash === '') return;
    const hearing = this.#hearing.get(plane) ?? new Set();
    this.#hearing.set(plane, hearing.add(`${id} ${hash}`));
  }

  /** A process has asked for this transaction. */
  asked(plane: Plane, changes: readonly Change[]): void {
    const hearing = this.#hearing.get(plane);
    if (hearing === undefined) return;
    this.#hearing.delete(plane);
    for (const change of changes) this.#asked.set(change, hearing);
  }

  ended(plane: Plane): void {
    this.#hearing.delete(plane);
  }

  // ---- Transactions.

  writing(changes: readonly Change[]): void {
    const { database } = this.#world;
    for (const change of changes) {
      if (change.kind === 'ledger') {
        const before = database.ledgers.get(change.id)?.get(change.row.generation);
        this.#checkDeadline(change.id, before, change.row);
        if (before?.phase !== 'proven' && change.row.phase === 'proven') this.#checkProof(change.id, change.row);
      }
      if (change.kind === 'event' && change.row.kind === 'agent.conflict')
        this.#doubled.add(change.row.subject.replace('agent/', ''));
      if (change.kind === 'rollout-log') this.#fold(change.row);
      if (change.kind === 'rollout') this.#checkBudget(change.row);
    }
    this.#checkAssignments(changes);
    this.#remember(changes);
  }

  #fold({ rollout: id, version, event, at }: Extract<Change, { kind: 'rollout-log' }>['row']): void {
    const before = this.folds.get(id) ?? null;
    const told = () => `${event.type} of rollout ${id}`;
    this.#hold(
      'I15',
      version === (before?.version ?? 0) + 1,
      () => `${told()} has number ${version} after ${before?.version}`,
    );
    let after: fleet.Rollout;
    try {
      after = fleet.step(before, json(event), at);
    } catch (error) {
      this.broken('I15', `the log cannot be folded: ${(error as Error).message}`);
      return;
    }
    this.folds.set(id, after);
    this.#world.note(`rollout ${id} ${event.type}: ${after.state} ${JSON.stringify(after.counts)}`);
    const proven = this.#proven.get(id) ?? new Set();
    for (const { agent, state } of after.targets.values()) if (state === 'proven') proven.add(agent);
    this.#proven.set(id, proven);
    if (before !== null) this.#checkStep(before, after, event, at);
    if (event.type === 'admitted' || event.type === 'retried') this.#checkPlaces(before ?? after, after);
    if (event.type === 'retried')
      for (const agent of event.agents) this.#refused.delete(`${agent} ${after.target.hash}`);
    if (event.type === 'reverting') this.#checkReverts(after, event.agents);
    if (event.type === 'observed') this.#noteReturns(before, after);
    if (after.state === 'succeeded') {
      const { planned, counts } = after;
      this.#hold('I11', counts.proven > 0 || planned === 0, () => `rollout ${id} succeeded without a proof`);
    }
  }

  /** I1, of this rollout and over those of one push. */
  #checkPlaces(before: fleet.Rollout, after: fleet.Rollout): void {
    const places = fleet.inFlight(after);
    const { maxInFlight } = fleet.boundsNow(after);
    const isWithin = places <= maxInFlight || places <= fleet.inFlight(before);
    this.#hold('I1', isWithin, () => `${places} in flight in rollout ${after.id}, ${maxInFlight} are allowed`);
    if (after.parent === null) return;
    const family = [...this.folds.values()].filter((one) => one.parent === after.parent && isActive(one));
    const sum = (some: readonly fleet.Rollout[]) => some.reduce((places, one) => places + fleet.inFlight(one), 0);
    const all = sum(family);
    const most = Math.max(...family.map((one) => fleet.boundsNow(one).maxInFlight));
    const isBounded = all <= most && sum(family.filter(fleet.isCanary)) <= fleet.CANARY_IN_FLIGHT;
    const isFamilyWithin = isBounded || places <= fleet.inFlight(before);
    this.#hold('I1', isFamilyWithin, () => `${all} in flight in the push ${after.parent}, ${most} are allowed`);
  }

  /** A.5: a stage passes by proof and time, or by a person's word. */
  #checkStep(before: fleet.Rollout, after: fleet.Rollout, event: fleet.RolloutEvent, at: number): void {
    if (event.type !== 'advanced') return;
    const { stage, strategy, targets, waived, counts } = before;
    const told = () => `rollout ${after.id} leaves stage ${before.stages[stage]?.name} ${JSON.stringify(counts)}`;
    this.#hold('A.5', fleet.inFlight(before) === 0, () => `somebody is in flight: ${told()}`);
    const own = targets.values().filter((target) => target.stage === stage);
    const proven = own.filter(({ state }) => state === 'proven');
    const judged = own.filter(({ state }) => state === 'proven' || state === 'failed' || state === 'inconclusive');
    const soak = fleet.isCanary(before) ? strategy.soak.canary : strategy.soak.stage;
    const last = proven.reduce((latest, target) => Math.max(latest, target.at), 0);
    this.#hold('A.5', at - last >= soak, () => `${at - last} ms after the last proof, ${soak} are asked: ${told()}`);
    this.#hold('I11', proven.length > 0 || counts.proven > 0, () => `nobody is proven: ${told()}`);
    const { threshold } = fleet.boundsNow(before);
    const isEnough =
      judged.length === 0 || (100 * proven.length) / judged.length >= threshold || waived.threshold === stage;
    this.#hold('A.5', isEnough, () => `${proven.length} of ${judged.length} proven: ${told()}`);
  }

  /** I9: each goes back to what it was proven on, never to what is being taken back or was condemned. */
  #checkReverts({ id, group, target }: fleet.Rollout, reverts: readonly fleet.Revert[]): void {
    const condemned = this.#world.database.groups.get(group)?.condemned ?? [];
    for (const { agent, to } of reverts) {
      if (to === null || this.#doubled.has(agent)) continue;
      const isGood = to.hash !== target.hash && !condemned.includes(to.hash);
      this.#hold('I9', isGood, () => `rollout ${id} sends ${agent} back to ${short(to.hash)}, which is condemned`);
      const uid = this.#world.database.identities.get(agent)?.instanceUid;
      const wasProven = this.#world.agents.some((one) => one.uid === uid && one.ranWell.has(to.hash));
      this.#hold(
        'I9',
        wasProven,
        () => `rollout ${id} sends ${agent} back to ${short(to.hash)}, on which it never was well`,
      );
    }
  }

  /** I13: who is called back does not take up afterwards what was sent to it before. */
  #noteReturns(before: fleet.Rollout | null, after: fleet.Rollout): void {
    for (const { agent, state } of after.targets.values()) {
      if (state === 'reverted' && before?.targets.get(agent)?.state !== 'reverted')
        this.#returned.set(`${agent} ${after.target.hash}`, this.#world.timeline.now);
    }
  }

  /** An agent takes up a configuration that it was sent. */
  taken(agent: SimulatedAgent, hash: string): void {
    const id = this.idOf(agent.uid);
    const since = this.#returned.get(`${id} ${hash}`);
    // Over HTTP only the time that it had can tell, and one that hangs for longer deceives us (I13).
    const isHttp = agent.nature.transport === 'http';
    if (id === undefined || since === undefined || isHttp || this.#doubled.has(id)) return;
    const isNew = this.#offers.get(id)?.some((offer) => offer.hash === hash && offer.at > since);
    this.#hold(
      'I13',
      isNew === true,
      () => `its return was confirmed, and it takes up ${short(hash)}: ${agent.describe()}`,
    );
  }

  /** I4: what it was planned with stays, failures never become fewer. */
  #checkBudget(row: RolloutSummary): void {
    const first = this.#frozen.get(row.id) ?? row;
    const before = this.#world.database.rollouts.get(row.id) ?? row;
    this.#frozen.set(row.id, first);
    const isSame = (['planned', 'maxInFlight', 'maxFailed', 'maxLost', 'digest'] as const).every(
      (name) => first[name] === row[name],
    );
    this.#hold('I4', isSame, () => `the bounds of rollout ${row.id} changed`);
    const { failed, lost } = row.spent;
    const grows = failed >= before.spent.failed && lost >= before.spent.lost;
    this.#hold('I4', grows, () => `failures of rollout ${row.id} fell to ${failed}, ${lost} lost`);
  }

  /** I10: nobody fails while we were away, and deadlines move three times at most. */
  #checkDeadline(id: fleet.AgentId, before: fleet.LedgerEntry | undefined, row: fleet.LedgerEntry): void {
    this.#hold(
      'I10',
      row.extensions <= fleet.LIMITS.outageExtensions,
      () => `the deadline of ${id} moved ${row.extensions} times`,
    );
    if (before?.phase === 'failed' || row.failure === null || row.phase !== 'failed') return;
    if (
      this.#doubled.has(id) ||
      !SILENCE.has(row.failure.reason) ||
      row.sentAt === null ||
      row.extensions >= fleet.LIMITS.outageExtensions
    )
      return;
    const had = this.#served(row.sentAt);
    const least = row.terms.applyTimeout - 2 * SECOND;
    this.#hold(
      'I10',
      had >= least,
      () => `${id} failed by ${row.failure?.reason} after ${had} ms in which we served, of ${least}`,
    );
  }

  /** How long we served since then, ms. */
  #served(since: number): number {
    const { now } = this.#world.timeline;
    const away = this.#world.outages
      .filter(({ from, until }) => until - from >= SERVER_LIMITS.absence)
      .map(({ from, until }) => Math.max(0, Math.min(until, now) - Math.max(from, since)));
    return now - since - away.reduce((sum, one) => sum + one, 0);
  }

  /** I11: proven is only whose collector ran it, by its own record, when it said what the server heard last. */
  #checkProof(id: fleet.AgentId, row: fleet.LedgerEntry): void {
    this.#provenOnce.add(`${id} ${row.generation}`);
    const { instanceUid, capabilities } = this.#world.database.identities.get(id) ?? {};
    const agents = this.#world.agents.filter(({ uid }) => uid === instanceUid);
    if (agents.length !== 1 || this.#doubled.has(id)) return;
    const { heardAs, describe } = agents[0] as SimulatedAgent;
    const reportsHealth = ((capabilities ?? 0) & fleet.Capability.ReportsHealth) !== 0;
    const shows = ({ runs, healthy }: Moment) => runs === row.revision.hash && (healthy || !reportsHealth);
    // What came last may be newer than this proof, which a slow disk has written only now.
    const last = heardAs.findLast(({ at }) => this.#world.timeline.now - at >= 10 * SECOND);
    const isTrue = heardAs.some((moment) => shows(moment) && moment.at >= (last?.at ?? 0));
    this.#hold('I11', isTrue, () => `called proven on ${short(row.revision.hash)}: ${describe.call(agents[0])}`);
  }

  /** I7: what an agent should run changes by those who may change it, and the log says so. */
  #checkAssignments(changes: readonly Change[]): void {
    const { database } = this.#world;
    const said = (kind: string, id: string): boolean =>
      changes.some(
        (change) => change.kind === 'event' && change.row.kind === kind && change.row.subject === `agent/${id}`,
      );
    const events = changes.flatMap((change) => (change.kind === 'rollout-log' ? [change.row] : []));
    const asked = (type: 'retried', id: string) =>
      events.some(({ event }) => event.type === type && event.agents.includes(id));
    const isOrdered = (rollout: string, id: string, hash: string) =>
      events.some(
        (row) =>
          row.rollout === rollout &&
          row.event.type === 'reverting' &&
          row.event.agents.some(({ agent, to }) => agent === id && to?.hash === hash),
      );
    for (const change of changes) {
      if (change.kind !== 'ledger' || database.ledgers.get(change.id)?.has(change.row.generation)) continue;
      const { id, row } = change;
      const { source, revision } = row;
      const isStable = (group: string) =>
        database.groups.get(group)?.stable?.hash === revision.hash ||
        changes.some(
          (each) => each.kind === 'group' && each.row.name === group && each.row.stable?.hash === revision.hash,
        );
      const isLawful = (): boolean => {
        if (source.kind === 'pin') return said('agent.pinned', id);
        if (source.kind === 'retry') return said('agent.retried', id) || asked('retried', id);
        if (source.kind === 'rollback') return isOrdered(source.rollout, id, revision.hash);
        if (source.kind === 'catch-up') return isStable(source.group) && !this.#isLeft(id, source.group);
        const rollout = this.folds.get(source.rollout);
        return rollout?.target.hash === revision.hash && rollout.targets.has(id);
      };
      this.#hold(
        'I7',
        isLawful(),
        () => `${id} should run ${short(revision.hash)} by ${JSON.stringify(source)}: nothing says why`,
      );
    }
  }

  /** With a mix that was left on purpose, or what it was taken back to: no lane changes that before the next rollout (A.7). */
  #isLeft(id: fleet.AgentId, inGroup: string): boolean {
    const { source, phase } = this.#world.database.ledgerOf(id) ?? {};
    if (source === undefined || !('rollout' in source) || phase === 'offered') return false;
    const last = this.folds.get(source.rollout ?? '');
    if (last?.group !== inGroup || (source.kind !== 'rollback' && last.state !== 'stopped-mixed')) return false;
    return ![...this.folds.values()].some(({ group, createdAt }) => group === last.group && createdAt > last.createdAt);
  }

  /** I5: what was refused, and what was forgiven. */
  #remember(changes: readonly Change[]): void {
    for (const change of changes) {
      for (const refusal of this.#asked.get(change) ?? []) this.#refused.add(refusal);
      this.#asked.delete(change);
    }
    for (const change of changes) {
      if (change.kind === 'agent-assignment')
        for (const { hash } of change.row.refused) this.#refused.add(`${change.id} ${hash}`);
      if (change.kind === 'event') this.#forgive(change.row);
    }
  }

  #forgive({ kind, subject, data }: JournalEvent): void {
    const id = subject.replace('agent/', '');
    if (kind === 'agent.retried') this.#refused.delete(`${id} ${data['hash']}`);
    if (kind !== 'agent.conflict' && kind !== 'agent.deleted') return;
    for (const refusal of this.#refused) if (refusal.startsWith(`${id} `)) this.#refused.delete(refusal);
  }

  /** After each transaction: I12, and I15 for the rollouts in it. */
  written(changes: readonly Change[]): void {
    const { rollouts } = this.#world.database;
    const active = [...rollouts.values()].filter(isActive).map(({ group }) => group);
    this.#hold('I12', new Set(active).size === active.length, () => `two active rollouts in one group: ${active}`);
    for (const change of changes) {
      if (change.kind !== 'rollout') continue;
      const fold = this.folds.get(change.row.id);
      const isSame = fold !== undefined && isDeepStrictEqual(json(rollouts.get(change.row.id)), json(summaryOf(fold)));
      this.#hold('I15', isSame, () => `the row of rollout ${change.row.id} is not the fold of its log`);
    }
  }

  /** I15, of the rows that a process finds when it starts: log, rollouts and ledgers tell the same. */
  checkRows(): void {
    const { database } = this.#world;
    for (const [id, log] of database.logs) {
      let fold: fleet.Rollout | null = null;
      try {
        fold = fleet.fold(json(log));
      } catch (error) {
        this.broken('I15', `the log of ${id} cannot be folded: ${(error as Error).message}`);
      }
      if (fold === null) continue;
      const row = database.rollouts.get(id);
      this.#hold(
        'I15',
        isDeepStrictEqual(json(summaryOf(fold)), json(row)),
        () => `rollout ${id} is not the fold of its log`,
      );
      if (isActive(fold)) this.#checkTargets(fold);
    }
  }

  #checkTargets({ id, targets, carried }: fleet.Rollout): void {
    for (const { agent, state } of targets.values()) {
      if (!fleet.OPEN.has(state) || carried.has(agent)) continue;
      const entry = this.#world.database.ledgerOf(agent);
      const phase = entry?.phase === 'received' ? 'sent' : entry?.phase;
      const isIts = entry !== null && 'rollout' in entry.source && entry.source.rollout === id;
      this.#hold(
        'I15',
        isIts && phase === state,
        () => `${agent} is ${state} in rollout ${id}, and ${phase} in its ledger`,
      );
    }
  }

  // ---- The end.

  isQuiet(): boolean {
    const { agents, database, network } = this.#world;
    const waits = [...database.rollouts.values()].some((row) => isActive(row) && row.state !== 'paused');
    if (waits || network.isDown) return false;
    return agents.every((agent) => {
      if (agent.gone) return true;
      const id = this.idOf(agent.uid);
      if (id === undefined || agent.down || agent.isBusy) return false;
      const entry = database.ledgerOf(id);
      const isOpen = fleet.isOpen(entry) && (entry?.phase !== 'offered' || agent.accepts);
      return !isOpen && !this.#isBehind(agent, id);
    });
  }

  /** The group's stable revision should come to it, and has not. */
  #isBehind(agent: SimulatedAgent, id: fleet.AgentId): boolean {
    const { database } = this.#world;
    const identity = database.identities.get(id);
    const group = database.groups.get(identity?.group?.name ?? '');
    if (identity?.admission !== 'open' || group?.stable == null || !agent.accepts || identity.pin !== null)
      return false;
    const isTwin = this.#world.agents.some((one) => one !== agent && one.uid === agent.uid);
    if (this.#isLeft(id, group.name) || isTwin || this.#doubled.has(id)) return false;
    const active = [...database.rollouts.values()].some((row) => row.group === group.name && isActive(row));
    const entry = database.ledgerOf(id);
    if (active || entry?.revision.hash === group.stable.hash) return false;
    if (database.assignments.get(id)?.refused.some(({ hash }) => hash === group.stable?.hash)) return false;
    return !this.#isLaneStopped(group.name);
  }

  #isLaneStopped(group: string): boolean {
    return this.#world.database.events.some(
      ({ kind, subject }) => kind === 'catch-up.stopped' && subject === `group/${group}`,
    );
  }

  /** I16: with the faults long over, everything has come to an end, and it is the true one. */
  checkEnd(): void {
    const { agents, database } = this.#world;
    this.checkRows();
    for (const row of database.rollouts.values()) {
      const isOver = !isActive(row) || row.state === 'paused';
      this.#hold('I16', isOver, () => `rollout ${row.id} still is ${row.state}`);
    }
    for (const agent of agents) {
      const id = this.idOf(agent.uid);
      if (agent.gone || id === undefined) continue;
      const entry = database.ledgerOf(id);
      const told = () =>
        `${id} ${agent.describe()}: ${entry?.phase ?? 'nothing desired'} ${short(entry?.revision.hash ?? '')}`;
      // One that is pinned, and accepts nothing any more, waits for that to change.
      const waits = entry?.phase === 'offered' && !agent.accepts;
      this.#hold('I16', !fleet.isOpen(entry) || waits, () => `no outcome for ${told()}`);
      this.#hold('I16', !this.#isBehind(agent, id), () => `it waits for the stable revision: ${told()}`);
      const isAlone = agents.every((other) => other === agent || other.uid !== agent.uid);
      if (!isAlone || this.#doubled.has(id) || entry?.phase !== 'proven') continue;
      const goneSince = agent.nature.vice === 'falls-back' || agent.nature.vice === 'rolls-back';
      this.#hold('I16', agent.runs === entry.revision.hash || goneSince, () => `it runs something else: ${told()}`);
    }
  }
}
