/**
 * Several simulated agents, faults from a seed, and a server that is nothing but this package's functions: settle,
 * decideOffer, markSent, observation, admissible, step, lane. What is asserted is told by the agents' own records. A failure prints its seed;
 * `SIMULATION_SEED=n` plays that one alone, `SIMULATION_SEEDS=n` plays more.
 */

import { describe, expect, test } from 'vitest';
import { A, agent, B, C, health, QUICK, T0, TERMS, without } from '../../test/samples.ts';
import { KINDS, type Message, SimulatedAgent } from '../../test/simulated-agent.ts';
import { ABSENT, type Agent, type Presence } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import { LIMITS } from '../limits.ts';
import { CATCH_UP_TERMS, lane, needsCatchUp } from '../rollouts/catch-up.ts';
import { decide } from '../rollouts/decide.ts';
import { observation } from '../rollouts/observation.ts';
import { isCandidate, planRollout } from '../rollouts/plan.ts';
import { inFlight, type Rollout, type RolloutEvent } from '../rollouts/rollout.ts';
import { strategyNamed, withOverrides } from '../rollouts/strategy.ts';
import type { Surroundings } from '../rollouts/surroundings.ts';
import { fold, step } from '../rollouts/transitions.ts';
import { lacksNews } from './assess.ts';
import { assign, withLedger } from './assignment.ts';
import { mustReconnect } from './crossing.ts';
import { extendDeadline, markSent } from './entry.ts';
import { type AssignmentSource, type EffectiveVerdict, isOpen, type LedgerEntry } from './ledger.ts';
import { decideOffer } from './pull-law.ts';
import { settle } from './settle.ts';

const SECOND = 1_000;
const FAULTS_UNTIL = T0 + 300 * SECOND;
const SUPERSEDE_AT = T0 + 60 * SECOND;
const END = T0 + 1_500 * SECOND;
const POLL = 10 * SECOND;
const HTTP_PATIENCE = 30 * SECOND;
/** Long enough to be given up. */
const LONG_AWAY = 200 * SECOND;

/** Mulberry32: small, seeded, the same everywhere. */
function dice(seed: number): (chance: number) => boolean {
  let state = seed;
  return (chance) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296 < chance;
  };
}

/** The agents' effective config is the hash of what they run. */
const verdictOn = ({ ledger, report }: Agent): EffectiveVerdict | undefined => {
  const shown = report.effective?.digest;
  if (ledger === null || shown === undefined || shown === '') return undefined;
  return shown === ledger.revision.hash ? { kind: 'confirmed', why: '' } : { kind: 'contradicted', why: 'old' };
};

interface Member {
  readonly real: SimulatedAgent;
  agent: Agent;
  /** The entry of which the rollout heard last. */
  heard: LedgerEntry | null;
  presence: Presence;
  /** The next sequence number; lost with the process. */
  expected: number | null;
  lastPoll: number;
  /** Until then it is not heard of, whatever its connection. */
  awayUntil: number;
  readonly refusals: Set<string>;
  readonly offers: { readonly hash: string; readonly epoch: string }[];
  /** For whom the last offer was, while that has no outcome. */
  unanswered: AssignmentSource['kind'] | null;
  /** Generation of the assignment that was proven last. */
  provenOnce: number;
}

class Simulation {
  readonly #chance: (chance: number) => boolean;
  readonly members: Member[];
  readonly #logs: { event: RolloutEvent; at: number }[][] = [];
  #now = T0;
  #downUntil = 0;
  /** Chance of each fault in a second; 0 once the faults are over. */
  #fault: number;
  rollout: Rollout | null = null;
  #bound = 0;
  /** The group's stable revision. */
  #stable = A;

  constructor(seed: number) {
    this.#chance = dice(seed);
    this.#fault = this.#chance(0.2) ? 0 : 0.02;
    const pick = (): number => {
      let index = 0;
      for (let bit = 0; bit < 4; bit += 1) index = index * 2 + (this.#chance(0.5) ? 1 : 0);
      return index;
    };
    this.members = Array.from({ length: 3 + (pick() % 4) }, (_, n) => {
      // Half the agents are good, so that there is something to prove.
      const kind = this.#chance(0.5) ? 'good' : (KINDS[pick() % KINDS.length] ?? 'good');
      // Some are slow to look at what they received, and know nothing of it until then (I13).
      const lag = this.#chance(0.3) ? 10 + 5 * pick() : 0;
      const real = new SimulatedAgent(`a-${n}`, kind, this.#chance(0.3) ? 'http' : 'websocket', A.hash, lag);
      const known = agent(real.id, kind === 'mute' ? { capabilities: without('ReportsRemoteConfig') } : {});
      const blank = { ...known, report: { health: null, reported: null, effective: null } };
      return {
        real,
        agent: blank,
        heard: null,
        presence: ABSENT,
        expected: null,
        lastPoll: 0,
        awayUntil: 0,
        refusals: new Set(),
        offers: [],
        unanswered: null,
        provenOnce: 0,
      };
    });
  }

  run(): void {
    this.#start('r-1', B);
    const supersedes = this.#chance(0.5);
    const backToA = this.#chance(0.5);
    for (; this.#now < END; this.#now += SECOND) {
      if (this.#now >= FAULTS_UNTIL) this.#fault = 0;
      if (supersedes && this.#now === SUPERSEDE_AT && this.rollout?.state !== 'succeeded')
        this.#start('r-2', backToA ? A : C);
      this.#weather();
      for (const member of this.members) member.real.pass(this.#now);
      if (this.#now < this.#downUntil) continue;
      for (const member of this.members) this.#communicate(member);
      this.#turn();
      this.#checkBounds();
      if (this.#fault === 0 && this.#isQuiet()) return;
    }
  }

  /** Nothing is open, everybody is there and nobody has anything to say. */
  #isQuiet(): boolean {
    const isSettled = this.rollout?.state === 'succeeded' || this.rollout?.state === 'paused';
    return (
      isSettled &&
      this.#now > SUPERSEDE_AT &&
      this.members.every(({ agent: { ledger }, presence, real }) => {
        return !isOpen(ledger) && (real.isGone || (presence.connected && presence.synced && !real.isBusy));
      }) &&
      !this.#isCatchingUp()
    );
  }

  #isCatchingUp(): boolean {
    const { state } = this.rollout ?? {};
    return state === 'succeeded' && !this.#lane().stopped && this.members.some((member) => this.#isBehind(member));
  }

  #isBehind = ({ agent, presence }: Member): boolean => needsCatchUp(agent, presence, this.#stable, this.#now);

  #start(id: string, target: RevisionRef): void {
    const before = this.rollout;
    const terms = this.#chance(0.5) ? QUICK : { ...TERMS, minHealthyTime: 20 * SECOND };
    const strategy = withOverrides(strategyNamed('all-at-once'), {
      onFailure: 'pause',
      maxDeferred: { percent: 100 },
      maxLost: { percent: 100 },
      maxInFlight: { count: this.#chance(0.5) ? 1 : 2 },
      maxFailed: { count: 3 },
      minHealthyTime: terms.minHealthyTime,
    });
    const request = {
      id,
      group: 'edge',
      target,
      from: A,
      strategy,
      author: 'test',
      message: '',
      supersedes: before?.id ?? null,
      parent: null,
      takesBack: null,
      seed: '',
    };
    const { header } = planRollout(request, this.members, (_seed, id) => id, String);
    if (before !== null) this.#apply({ type: 'superseded', by: id });
    this.rollout = null;
    this.#logs.push([]);
    this.#apply({ type: 'started', header });
    this.#bound = Math.max(header.maxInFlight, header.carried.length);
  }

  #apply(event: RolloutEvent): void {
    const rollout = step(this.rollout, event, this.#now);
    this.#logs.at(-1)?.push({ event, at: this.#now });
    this.rollout = rollout;
    if (rollout.state === 'succeeded') this.#stable = rollout.target;
    if (event.type !== 'admitted') return;
    const admitted = new Set(event.agents.map(({ agent }) => agent));
    for (const member of this.members) {
      if (!admitted.has(member.real.id)) continue;
      const source = { kind: 'rollout', rollout: rollout.id } as const;
      member.agent = assign(member.agent, rollout.target, source, rollout.strategy.terms, this.#now);
      // One commit with the event: after a crash the server begins with this entry as heard.
      member.heard = member.agent.ledger;
    }
  }

  /** Once the rollout is over, new and returning agents get the stable revision, a few at a time (A.7). */
  #catchUp(): void {
    if (this.rollout?.state !== 'succeeded') return;
    for (const member of this.members) {
      if (!this.#isBehind(member)) continue;
      if (this.#lane().free === 0) return;
      const source = { kind: 'catch-up', group: 'edge' } as const;
      member.agent = assign(member.agent, this.#stable, source, CATCH_UP_TERMS, this.#now);
      this.#observe(member);
    }
  }

  #lane() {
    const agents = this.members.map(({ agent }) => agent);
    return lane(agents, agents.length, this.#stable);
  }

  /** Connections break, processes die, ours too. */
  #weather(): void {
    for (const member of this.members) {
      const { real } = member;
      if (this.#chance(this.#fault)) real.disconnect();
      if (this.#chance(this.#fault / 4)) real.restart();
      if (this.#chance(this.#fault / 4)) {
        real.disconnect();
        member.awayUntil = this.#now + LONG_AWAY;
      }
    }
    if (this.#now >= this.#downUntil && this.#chance(this.#fault / 4)) this.#crash();
  }

  /** Kill -9 of the server: what is in memory is gone, the rows are not. */
  #crash(): void {
    const long = this.#chance(0.2);
    this.#downUntil = this.#now + (long ? 200 : 3) * SECOND;
    for (const member of this.members) {
      member.real.disconnect();
      member.presence = ABSENT;
      member.expected = null;
      const { ledger } = member.agent;
      if (ledger === null) continue;
      // As the server does at its start, before agents are let in (I10).
      const moved = extendDeadline(ledger, this.#downUntil, 60 * SECOND, LIMITS.outageExtensions);
      member.agent = { ...member.agent, ledger: moved };
    }
    const log = this.#logs.at(-1) ?? [];
    const folded = fold(JSON.parse(JSON.stringify(log)));
    expect(folded).toEqual(this.rollout);
    this.rollout = folded;
  }

  #communicate(member: Member): void {
    const { real } = member;
    if (real.isGone || this.#now < member.awayUntil) this.#hearNothing(member);
    else if (real.transport === 'http') this.#poll(member);
    else if (real.session !== null) this.#talk(member);
    else {
      this.#hearNothing(member);
      if (this.#chance(0.5)) real.connect();
    }
  }

  #poll(member: Member): void {
    if (this.#now - member.lastPoll < POLL && !member.real.hasNews) {
      this.#hearNothing(member);
      return;
    }
    member.lastPoll = this.#now;
    this.#hear(member, member.real.message());
  }

  #talk(member: Member): void {
    const { real, presence } = member;
    if (real.hasNews || this.#now % POLL === 0 || presence.epoch !== real.epoch) this.#hear(member, real.message());
  }

  #hearNothing(member: Member): void {
    const { presence, real } = member;
    if (!presence.connected) return;
    if (real.transport === 'http' && this.#now - (presence.lastSeen ?? 0) < HTTP_PATIENCE) return;
    member.presence = { ...presence, connected: false, disconnectedAt: this.#now };
  }

  #hear(member: Member, message: Message): void {
    if (this.#chance(this.#fault)) return;
    const { real, presence: before } = member;
    const isBoot = message.sequence === 0 && message.full;
    const isNext = message.sequence === member.expected;
    const synced = message.full || isBoot || (isNext && before.synced);
    member.expected = message.sequence + 1;
    const knownAt = real.epoch === before.epoch ? before.fullStateAt : null;
    member.presence = {
      connected: true,
      transport: real.transport,
      epoch: real.epoch,
      synced,
      fullStateAt: message.full ? this.#now : knownAt,
      lastSeen: this.#now,
      disconnectedAt: null,
      departures: [],
      left: false,
    };
    // The session asks on each gap; the pull law need not.
    if (!synced) real.askFullState();
    if (message.status?.status === 'FAILED') member.refusals.add(message.status.hash);
    const { report } = member.agent;
    member.agent = {
      ...member.agent,
      report: {
        health: message.healthy === null ? report.health : health(message.healthy, this.#now),
        reported:
          message.status === null ? report.reported : { ...message.status, errorMessage: 'exit code 1', at: this.#now },
        effective:
          message.effective === null ? report.effective : { files: [], digest: message.effective, at: this.#now },
      },
    };
    this.#settle(member);
    if (real.transport === 'http') this.#offer(member);
  }

  #settle(member: Member): void {
    const before = member.agent;
    const after = settle(before, member.presence, { groupOf: () => 'edge', verdictOn }, this.#now);
    member.agent = after;
    if (after.ledger?.phase === 'proven' && before.ledger?.phase !== 'proven') {
      const { id, kind, runs, queued } = member.real;
      const { hash } = after.ledger.revision;
      expect(runs, `${id} (${kind}) is called proven`).toBe(hash);
      // A second copy of what it refused it will refuse, and go back once more.
      const others = queued.filter((one) => one !== hash && !member.refusals.has(one));
      expect(others, `${id} (${kind}) is called proven, and will apply something else (I13)`).toEqual([]);
      member.provenOnce = after.ledger.generation;
    }
    this.#observe(member);
    if (lacksNews(after, member.presence, this.#now)) member.real.askFullState();
    if (mustReconnect(after, member.presence, this.#now)) member.real.disconnect();
  }

  /** Tells the rollout how a target, or an agent carried over from the last rollout, got on. */
  #observe(member: Member): void {
    const { agent: subject, heard } = member;
    const { ledger } = subject;
    member.heard = ledger;
    if (ledger === null || !isOpen(ledger)) member.unanswered = null;
    const news = this.rollout && observation(heard, subject, this.rollout);
    if (news) this.#apply({ type: 'observed', changes: [news] });
  }

  #offer(member: Member): void {
    const { real } = member;
    const decision = decideOffer(member.agent, member.presence, this.#now);
    if (decision === 'ask-full-state') real.askFullState();
    if (decision !== 'offer') return;
    const { ledger } = member.agent;
    if (ledger === null || (real.transport === 'websocket' && real.session !== member.presence.epoch)) return;
    const { revision, source } = ledger;
    // Another rollout took over: its revision is not sent any more.
    if (source.kind === 'rollout' && source.rollout !== this.rollout?.id) return;
    const { hash } = revision;
    const offer = { hash, epoch: real.epoch };
    expect([...member.refusals], `${real.id} (${real.kind}) refused it`).not.toContain(hash);
    if (real.transport === 'websocket')
      expect(member.offers, `${real.id} had it on this epoch`).not.toContainEqual(offer);
    // What was proven on this agent and is lost comes back to it without a place.
    member.unanswered = member.provenOnce === ledger.generation ? null : source.kind;
    member.offers.push(offer);
    member.agent = withLedger(member.agent, markSent(ledger, real.epoch, this.#now));
    this.#observe(member);
    // Committed; now the write, if we and the way are still there.
    if (this.#chance(this.#fault)) this.#crash();
    else if (real.transport === 'websocket' || !this.#chance(this.#fault * 3)) real.receive(hash, this.#now);
  }

  #turn(): void {
    for (const member of this.members) this.#settle(member);
    this.#advance();
    this.#catchUp();
    for (const member of this.members) {
      if (this.#now < this.#downUntil) return;
      this.#settle(member);
      if (member.real.transport === 'websocket') this.#offer(member);
    }
  }

  #pending(rollout: Rollout): Member[] {
    return this.members.filter((member) => isCandidate(rollout, member.agent));
  }

  /** All decisions that follow from what is. */
  #advance(): void {
    for (let event = this.#next(); event !== undefined; event = this.#next()) this.#apply(event);
  }

  #next(): RolloutEvent | undefined {
    const { rollout } = this;
    if (rollout === null) return undefined;
    const around: Surroundings = {
      waiting: () => this.#pending(rollout),
      untouched: () => [],
      member: (id) => this.members.find(({ real }) => real.id === id)?.agent,
      control: () => ({ bad: 0, all: 0 }),
      condemned: new Set(),
      doubtful: () => [],
      upSince: T0,
      isReturning: () => false,
      room: 100,
      familyRoom: 100,
      trippedSibling: null,
    };
    return decide(rollout, around, this.#now);
  }

  #checkBounds(): void {
    const { rollout } = this;
    if (rollout === null) return;
    if (inFlight(rollout) > this.#bound) throw new Error(`${inFlight(rollout)} in flight, ${this.#bound} allowed (I1)`);
    const offersOf = (kind: AssignmentSource['kind']) => this.members.filter(({ unanswered }) => unanswered === kind);
    const offered = offersOf('rollout').length;
    if (offered > this.#bound)
      throw new Error(`${offered} offers unanswered, ${this.#bound} allowed (I1): ${this.#describe()}`);
    if (offersOf('catch-up').length > 1) throw new Error(`more than one catches up (L1): ${this.#describe()}`);
  }

  #describe(): string {
    return this.members
      .map(({ real, agent: { ledger } }) => {
        const { phase, source, failure } = ledger ?? {};
        return `${real.id} ${real.kind} ${real.transport} ${phase} ${JSON.stringify(source)} ${failure?.reason ?? ''}`;
      })
      .join('; ');
  }

  /** With the faults over for long: everybody has an outcome, and it is the true one (I16). */
  checkOutcome(): void {
    const { rollout } = this;
    expect(rollout).not.toBeNull();
    if (rollout === null) return;
    const waits = rollout.state === 'running' && rollout.counts.proven + rollout.counts.failed === 0;
    const { counts, carried } = rollout;
    const told = `${JSON.stringify(counts)}, carried ${[...carried]}: ${this.#describe()}`;
    expect(waits ? 'skipped all' : rollout.state, told).toMatch(/succeeded|paused|skipped all/);
    expect(this.#isCatchingUp(), `somebody waits for the lane: ${told}`).toBe(false);
    for (const { agent: subject, real } of this.members) {
      const { ledger } = subject;
      if (ledger === null) continue;
      const told = `${real.id} (${real.kind}, ${real.transport}): ${ledger.phase} ${ledger.failure?.reason ?? ''}`;
      expect(['proven', 'failed'], told).toContain(ledger.phase);
      if (ledger.phase === 'proven') expect(real.runs, told).toBe(ledger.revision.hash);
      else expect(ledger.failure?.message, told).toBeTruthy();
    }
  }
}

const SEEDS = Number(process.env['SIMULATION_SEEDS'] ?? 1_000);
const ONE = process.env['SIMULATION_SEED'];

function play(seed: number): Simulation {
  const simulation = new Simulation(seed);
  try {
    simulation.run();
    simulation.checkOutcome();
  } catch (error) {
    throw new Error(`simulation seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  return simulation;
}

describe('simulation', () => {
  test(`holds over ${ONE === undefined ? `${SEEDS} seeds` : `seed ${ONE}`}`, { timeout: 120_000 }, () => {
    const first = Number(ONE ?? 1);
    const outcomes = new Map<string, number>();
    const began = performance.now();
    for (let seed = first; seed < first + (ONE === undefined ? SEEDS : 1); seed += 1) {
      const { members, rollout } = play(seed);
      for (const key of [
        `rollout ${rollout?.state}`,
        ...members.map(({ agent: { ledger } }) => `agent ${ledger?.phase} ${ledger?.failure?.reason ?? ''}`),
      ])
        outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
    }
    console.log(`simulation: ${Math.round(performance.now() - began)} ms`, Object.fromEntries([...outcomes].sort()));
  });
});
