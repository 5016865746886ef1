/** What is watched when a configuration leaves for an agent: I3, I5, I8, and through whom it leaves: I1, I2, I6, A.5. */
import * as fleet from '@flaghoist/fleet';
import { type AgentRemoteConfig, uidFromBytes } from '@flaghoist/opamp';
import { rank } from '../../../src/rollouts/active.ts';
import { short } from '../agent/agent.ts';
import { HttpExchange, type WebSocketLink } from '../network.ts';
import { SECOND } from '../timeline.ts';
import type { Evidence, Offer } from './evidence.ts';
import type { Refusals } from './refusals.ts';

export class OfferLaws {
  readonly #evidence: Evidence;
  readonly #refusals: Refusals;
  /** By rollout: who was sent its revision. */
  readonly #exposed = new Map<string, Set<fleet.AgentId>>();

  constructor(evidence: Evidence, refusals: Refusals) {
    this.#evidence = evidence;
    this.#refusals = refusals;
  }

  /** A configuration leaves for an agent. */
  offered(over: WebSocketLink | HttpExchange, uid: Uint8Array, { configHash, config }: AgentRemoteConfig): void {
    const { world, offers } = this.#evidence;
    const hash = Buffer.from(configHash).toString('hex');
    const { agent } = over;
    const told = () => `${short(hash)} leaves for ${agent.describe()}`;
    world.note(`server ${over.plane.number} offers ${short(hash)} to ${agent.nature.name}`);
    const bodies = Object.values(config?.configMap ?? {});
    const isSomething = bodies.some(({ body }) => body.length > 0);
    this.#evidence.hold('I8', isSomething, () => `an empty configuration: ${told()}`);
    const id = this.#evidence.idOf(uidFromBytes(uid));
    const entry = id === undefined ? undefined : this.#sentEntry(id, hash, over.link.id);
    const isSent = (one: fleet.LedgerEntry): boolean => one.revision.hash === hash && one.sentAt !== null;
    // Its rows went while the bytes were on their way to the socket.
    if (entry === undefined && this.#evidence.deleted.get(uidFromBytes(uid))?.some(isSent)) return;
    if (id === undefined || entry === undefined) {
      this.#evidence.broken('I3', `no durable row says so: ${told()}`);
      return;
    }
    const { source, generation } = entry;
    const process = over instanceof HttpExchange ? over.process : agent.startedAt;
    const offer = { at: world.timeline.now, hash, epoch: over.link.id, process, source, generation };
    this.#checkRepetition(id, offer, over, told);
    offers.set(id, [...(offers.get(id) ?? []), offer]);
    this.#checkExposure(id, entry, told);
  }

  /**
   * The durable row that says that this hash was sent to the agent (I3): the newest, but each retry is good for one send of
   * its own (I5), and a slow disk may let those of two leave one after the other.
   */
  #sentEntry(id: fleet.AgentId, hash: string, link: string): fleet.LedgerEntry | undefined {
    const entries = [...(this.#evidence.world.database.ledgers.get(id)?.values() ?? [])];
    const sent = entries.filter(({ revision, sentAt }) => revision.hash === hash && sentAt !== null);
    const left = new Set(this.#evidence.offers.get(id)?.map(({ generation }) => generation));
    const isDue = ({ source, generation, sentEpoch }: fleet.LedgerEntry): boolean =>
      source.kind === 'retry' && !left.has(generation) && sentEpoch?.split('#')[0] === link;
    return sent.find(isDue) ?? sent.at(-1);
  }

  #checkRepetition(id: fleet.AgentId, offer: Offer, over: WebSocketLink | HttpExchange, told: () => string): void {
    const { hash, source } = offer;
    const offers = this.#evidence.offers.get(id) ?? [];
    const last = offers.findLast(({ epoch }) => epoch === offer.epoch);
    // One send for each retry that a human asked for, whatever the agent repeats of the first attempt meanwhile.
    const isRetry = source.kind === 'retry' && !offers.some(({ generation }) => generation === offer.generation);
    const isAgain = last?.hash === hash && !isRetry && !this.#evidence.doubled.has(id);
    if (over instanceof HttpExchange) {
      // An answer that was lost is found by a full state, 30 s later at the earliest (ADR 4); the first may have waited for a slow disk.
      const { agent } = over;
      const isSoon =
        isAgain && !this.#evidence.hasTwin(agent) && offer.at - last.at < 24 * SECOND && offer.process === last.process;
      this.#evidence.hold('I5', !isSoon, () => `a second time within 30 s over HTTP: ${told()}`);
    } else this.#evidence.hold('I5', !isAgain, () => `a second time on one connection: ${told()}`);
    const isForgiven = isRetry || !this.#refusals.has(id, hash);
    this.#evidence.hold('I5', isForgiven, () => `it said FAILED, and nobody retried: ${told()}`);
  }

  /** I1 and I6: whoever is sent something by a rollout or the lane has a place. I2: so many may hold it unproven. */
  #checkExposure(id: fleet.AgentId, { source, generation, revision }: fleet.LedgerEntry, told: () => string): void {
    const { folds, provenOnce, world } = this.#evidence;
    if (provenOnce.has(`${id} ${generation}`)) return; // What was proven on it comes back to it at once (ADR 6).
    if (source.kind === 'catch-up') this.#checkLane(source.group, revision.hash, told);
    if (source.kind !== 'rollout') return;
    const rollout = folds.get(source.rollout);
    if (rollout === undefined) {
      this.#evidence.broken('I7', `no rollout ${source.rollout}: ${told()}`);
      return;
    }
    const hasTravelled = this.#evidence.travelled.has(rollout.id);
    if (!hasTravelled) this.#checkStage(id, rollout, told);
    const heirs = [...folds.values()].filter(({ group, state }) => group === rollout.group && state !== 'superseded');
    const state = rollout.targets.get(id)?.state;
    const isOnTheBooks = (state !== undefined && fleet.OPEN.has(state)) || heirs.some(({ carried }) => carried.has(id));
    // What left its hands while the bytes were on their way was counted as failed.
    const isCurrent = world.database.ledgerOf(id)?.generation === generation;
    // Who proved it within the same turn, and lost its state, is sent it again without one (RO17).
    const hadTurn = state === 'failed' || state === 'proven';
    const hasPlace = isOnTheBooks || !isCurrent || hadTurn;
    this.#evidence.hold('I1', hasPlace, () => `${told()} without a place (${state})`);
    if (!hasTravelled) this.#checkBound(id, rollout, told);
  }

  #checkBound(id: fleet.AgentId, rollout: fleet.Rollout, told: () => string): void {
    const exposed = (this.#exposed.get(rollout.id) ?? new Set()).add(id);
    this.#exposed.set(rollout.id, exposed);
    const unproven = exposed.difference(this.#evidence.proven.get(rollout.id) ?? new Set());
    const bounds = fleet.boundsNow(rollout);
    const { waived, counts } = rollout;
    const mayFail = Math.max(bounds.maxFailed, waived.failed) + Math.max(bounds.maxLost ?? 0, waived.lost);
    const most = bounds.maxInFlight + mayFail + counts.inconclusive;
    this.#evidence.hold(
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
    this.#evidence.hold(
      'A.5',
      at <= stage,
      () => `one of stage ${stages[at]?.name} while ${stages[stage]?.name} is open: ${told()}`,
    );
  }

  /** Places are given by the size of the group at that time, and stay when others leave it. */
  #checkLane(group: string, hash: string, told: () => string): void {
    const { provenOnce, laneWhenGiven, world } = this.#evidence;
    const { database } = world;
    const members = [...database.identities.values()].filter((identity) => identity.group?.name === group);
    const open = members.flatMap(({ id }) => {
      if (this.#evidence.agentsOf(id).length > 1) return [];
      const entry = database.ledgerOf(id);
      const isLane = entry?.source.kind === 'catch-up' && entry.revision.hash === hash && entry.sentAt !== null;
      return isLane && fleet.isOpen(entry) && !provenOnce.has(`${id} ${entry.generation}`)
        ? [`${id} ${entry.generation}`]
        : [];
    });
    const most = Math.max(1, ...open.map((one) => laneWhenGiven.get(one) ?? 1));
    this.#evidence.hold('I6', open.length <= most, () => `${open.length} catch up at once, ${most} may: ${told()}`);
  }
}
