/** A rollout in a world of fake agents that do whatever a seed says: `decide` and the verbs drive it, nothing else does. */
import type { Agent, Presence } from '../src/agents/agent.ts';
import { decide } from '../src/rollouts/decide.ts';
import { isCandidate, type Placed, planRollout, stageOf } from '../src/rollouts/plan.ts';
import {
  boundsNow,
  failedSoFar,
  freeOwnSlots,
  inFlight,
  isCanary,
  mayBeRetried,
  type Observation,
  OPEN,
  type Rollout,
  type RolloutEvent,
  TARGET_STATES,
  TERMINAL,
} from '../src/rollouts/rollout.ts';
import { strategyNamed, withOverrides } from '../src/rollouts/strategy.ts';
import type { Surroundings } from '../src/rollouts/surroundings.ts';
import { step } from '../src/rollouts/transitions.ts';
import { eventOf, type Verb } from '../src/rollouts/verbs.ts';
import { rank, sha256 } from './rollouts.ts';
import { A, agent, assigned, B, C, entry, presence, T0 } from './samples.ts';

const SECOND = 1_000;

/** mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Fake {
  readonly id: string;
  agent: Agent;
  connected: boolean;
  /** Its group knows it since then. */
  since: number;
  /** What it does next for the rollout, and when. */
  next: { at: number; observation: Observation } | null;
}

const OUTCOMES = ['proven', 'agent-failed', 'lost-contact', 'unhealthy', 'inconclusive', 'undelivered'] as const;

export class World {
  readonly log: { event: RolloutEvent; at: number }[] = [];
  rollout: Rollout;
  now = T0;
  /** Nothing goes wrong any more, and nobody asks for anything. */
  isCalm = false;
  /** Late failures, resumes, retries: what the bound of I2 leaves aside. */
  isForgiven = false;
  #regressed = 0;
  readonly fakes: Fake[];
  readonly #random: () => number;
  readonly #goodness: number;
  #upSince = T0;
  #returningUntil = 0;
  #sibling: string | null = null;

  constructor(seed: number) {
    this.#random = randomOf(seed);
    this.#goodness = this.#chance(0.5) ? 0.97 : 0.6;
    const size = this.#chance(0.1) ? 0 : 1 + Math.floor(this.#random() ** 2 * 60);
    this.fakes = Array.from({ length: size }, (_, n) => this.#fake(`a${n}`, T0));
    const strategy = withOverrides(strategyNamed(this.#one(['careful', 'quick', 'all-at-once'])), {
      maxInFlight: { count: 1 + Math.floor(this.#random() * 8) },
      maxFailed: { count: Math.floor(this.#random() * 3) },
      maxLost: { count: Math.floor(this.#random() * 3) },
      onFailure: this.#one(['rollback', 'rollback', 'pause']),
      gates: this.#chance(0.2) ? [{ after: '100%', type: 'manual' }] : [],
    });
    const from = this.#one([A, A, A, null, B]);
    const carried = this.fakes.filter(() => this.#chance(0.05));
    for (const fake of carried) {
      const source = { kind: 'rollout', rollout: 'r-0' } as const;
      fake.agent = { ...assigned(entry('sent', { source, revision: C })), identity: fake.agent.identity };
      this.#says(fake, 60, { state: this.#one(['proven', 'failed']) });
    }
    const request = {
      ...{ id: 'r-1', group: 'edge', target: B, from, strategy, seed: `${seed}`, author: 'ada', message: '' },
      ...{ supersedes: null, parent: null, takesBack: null },
    };
    const { header } = planRollout(
      request,
      this.fakes.map((fake) => this.#placed(fake)),
      rank,
      sha256,
    );
    this.rollout = null as never;
    this.#apply({ type: 'started', header });
  }

  #chance = (probability: number): boolean => this.#random() < probability;
  #one = <T>(of: readonly T[]): T => of[Math.floor(this.#random() * of.length)] as T;

  #fake(id: string, since: number): Fake {
    const known = agent(id, { group: { name: 'edge', since } });
    const remembers = this.#chance(0.95);
    const proven = { ...known, assignment: { ...known.assignment, proven: remembers ? [A] : [] } };
    return { id, agent: proven, connected: this.#chance(0.85), since, next: null };
  }

  #presence({ connected }: Fake): Presence {
    const unheard = !connected && this.now < this.#returningUntil;
    return presence({ connected, synced: connected, lastSeen: unheard ? null : this.now });
  }

  #placed = (fake: Fake): Placed => ({ agent: fake.agent, presence: this.#presence(fake) });

  #says(
    fake: Fake,
    seconds: number,
    { state, reason = null }: Pick<Observation, 'state'> & Partial<Observation>,
  ): void {
    const at = this.now + this.#random() * seconds * SECOND;
    fake.next = { at, observation: { agent: fake.id, state, reason, message: '' } };
  }

  get around(): Surroundings {
    const { rollout } = this;
    return {
      untouched: () => [],
      waiting: () => {
        const waiting = this.fakes.filter(({ agent: one }) => {
          const { id } = one.identity;
          const stage = stageOf(rollout, id, () => rank(rollout.seed, id), false);
          return stage <= rollout.stage && isCandidate(rollout, one);
        });
        return waiting.map(this.#placed);
      },
      member: (id) => this.fakes.find((fake) => fake.id === id)?.agent,
      control: () => ({ bad: 0, all: 0 }),
      condemned: new Set(),
      doubtful: () => [],
      upSince: this.#upSince,
      isReturning: () => this.now < this.#returningUntil,
      room: 5,
      familyRoom: 100,
      trippedSibling: this.#sibling,
    };
  }

  #apply(event: RolloutEvent): void {
    const before = this.rollout;
    this.rollout = step(before, event, this.now);
    this.log.push({ event, at: this.now });
    if (before !== null) this.#check(before, event);
    this.#order(event);
  }

  /** What an event means for the agents. */
  #order(event: RolloutEvent): void {
    const find = (id: string) => this.fakes.find((fake) => fake.id === id);
    if (event.type === 'admitted') for (const { agent: id } of event.agents) this.#begin(find(id));
    if (event.type === 'retried') for (const id of event.agents) this.#begin(find(id));
    if (event.type === 'reverting') {
      for (const { agent: id, to } of event.agents) {
        const fake = find(id);
        const confirms = this.isCalm || this.#chance(0.8);
        if (fake && to !== null) this.#says(fake, 100, { state: confirms ? 'reverted' : 'revert-unconfirmed' });
      }
    }
  }

  #begin(fake: Fake | undefined): void {
    if (fake === undefined) return;
    fake.agent = { ...fake.agent, ledger: entry('offered', { source: { kind: 'rollout', rollout: 'r-1' } }) };
    if (!this.isCalm && this.#chance(0.05)) this.#says(fake, 30, { state: 'deferred', reason: 'offline' });
    else this.#says(fake, 2, { state: 'sent' });
  }

  /** What the agents say until now, in one observation. */
  #listen(): void {
    const changes: Observation[] = [];
    for (const fake of this.fakes) {
      if (fake.next === null || fake.next.at > this.now) continue;
      const { observation } = fake.next;
      fake.next = null;
      changes.push(observation);
      if (this.rollout.state === 'rolling-back') continue;
      if (observation.state === 'sent') {
        fake.agent = { ...fake.agent, ledger: entry('sent') };
        this.#says(fake, 200, this.#outcome());
      } else if (observation.state === 'deferred') fake.agent = { ...fake.agent, ledger: null };
      else {
        fake.agent = { ...fake.agent, ledger: entry(observation.state === 'proven' ? 'proven' : 'failed') };
        if (observation.state === 'proven' && !this.isCalm && this.#chance(0.02)) {
          this.#says(fake, 400, { state: 'failed', reason: 'late-regression' });
        }
      }
    }
    if (changes.length > 0 && !TERMINAL.has(this.rollout.state)) this.#apply({ type: 'observed', changes });
  }

  #outcome(): Pick<Observation, 'state'> & Partial<Observation> {
    if (this.isCalm || this.#chance(this.#goodness)) return { state: 'proven' };
    const outcome = this.#one(OUTCOMES);
    if (outcome === 'proven' || outcome === 'inconclusive') return { state: outcome };
    return { state: 'failed', reason: outcome === 'undelivered' ? 'apply-timeout' : outcome };
  }

  /** All that follows from what is. @throws when it does not end. */
  #decide(): void {
    for (let steps = 0; steps < 500; steps += 1) {
      const event = decide(this.rollout, this.around, this.now);
      if (event === undefined) return;
      this.#apply(event);
    }
    throw new Error(`it decides for ever: ${JSON.stringify(this.log.slice(-3))}`);
  }

  #ask(): void {
    const agents = this.rollout.targets.values().filter(mayBeRetried);
    const verbs: Verb[] = [
      { verb: 'pause', message: '' },
      ...Array.from({ length: 4 }, () => ({ verb: 'resume' }) as const),
      { verb: 'promote' },
      { verb: 'promote' },
      { verb: 'retry', agents: agents.slice(0, 1).map((target) => target.agent) },
      { verb: 'rollback', message: '', atOnce: this.#chance(0.5) },
      { verb: 'stop', message: '', leaveMixed: this.#chance(0.2) },
    ];
    const asked = this.#one(verbs);
    if (asked.verb === 'rollback' && this.#chance(0.7)) return;
    try {
      const event = eventOf(this.rollout, asked);
      if (event === undefined) return;
      if (event.type === 'resumed' || event.type === 'retried') this.isForgiven = true;
      this.#apply(event);
    } catch (error) {
      if ((error as { code?: string }).code !== 'conflict') throw error;
    }
  }

  /** So many seconds pass; something may happen in them. */
  tick(seconds: number): void {
    this.now += seconds * SECOND;
    if (!this.isCalm) {
      for (const fake of this.fakes) if (this.#chance(0.01)) fake.connected = !fake.connected;
      if (this.#chance(0.03)) this.fakes.push(this.#fake(`late${this.log.length}-${this.now}`, this.now));
      if (this.#chance(0.02)) this.#restart();
      if (this.#chance(0.003)) this.#sibling = 'r-9';
      if (this.#chance(0.06)) this.#ask();
      if (this.#chance(0.01)) this.#lose(this.#one(this.fakes));
    }
    this.#listen();
    this.#decide();
  }

  /** We were down for a while: nobody was heard. */
  #restart(): void {
    this.now += this.#random() * 1_000 * SECOND;
    this.#upSince = this.now;
    this.#returningUntil = this.now + 60 * SECOND;
  }

  /** Deleted, or gone to another group. */
  #lose(fake: Fake | undefined): void {
    if (fake === undefined) return;
    const state = this.rollout.targets.get(fake.id)?.state;
    this.fakes.splice(this.fakes.indexOf(fake), 1);
    if (state === undefined || TERMINAL.has(this.rollout.state)) return;
    if (state === 'reverting' || state === 'offered')
      this.#apply({
        type: 'observed',
        changes: [{ agent: fake.id, state: 'skipped', reason: 'left-group', message: '' }],
      });
    else if (OPEN.has(state))
      this.#apply({
        type: 'observed',
        changes: [{ agent: fake.id, state: 'failed', reason: 'lost-contact', message: '' }],
      });
  }

  /** The laws, after each event. */
  #check(before: Rollout, event: RolloutEvent): void {
    const { rollout } = this;
    const { counts, spent, targets, maxInFlight, maxFailed, maxLost } = rollout;
    const fail = (law: string): never => {
      throw new Error(
        `${law}: ${JSON.stringify(event)} ${JSON.stringify({ ...rollout, targets: [], strategy: null })}`,
      );
    };
    if (inFlight(rollout) > Math.max(boundsNow(before).maxInFlight, inFlight(before))) fail('I1');
    if (event.type === 'admitted' && freeOwnSlots(rollout) < 0) fail('I1, its own');
    if (spent.failed < before.spent.failed || spent.lost < before.spent.lost) fail('I4: the budget was given back');
    if (rollout.planned !== before.planned || maxFailed !== before.maxFailed) fail('I4: the denominators changed');
    for (const state of TARGET_STATES) {
      if (counts[state] !== targets.values().filter((target) => target.state === state).length) fail('I15: counts');
    }
    this.#regressed += targets
      .values()
      .filter(({ agent: id, state }) => state === 'failed' && before.targets.get(id)?.state === 'proven').length;
    const unproven = inFlight(rollout) - rollout.carried.size + failedSoFar(rollout) - this.#regressed;
    const most = isCanary(rollout) ? Math.min(3, maxInFlight) : maxInFlight + maxFailed + maxLost;
    if (!this.isForgiven && rollout.rollback === null && unproven > most) fail(`I2: ${unproven} of ${most}`);
    this.#checkEnd(fail);
  }

  #checkEnd(fail: (law: string) => never): void {
    const { rollout } = this;
    const { counts, state } = rollout;
    if (TERMINAL.has(state) !== (rollout.endedAt !== null)) fail('an end has its time');
    if (state === 'succeeded' && counts.proven === 0 && this.#wasPlanned(rollout)) fail('I11');
    if (state === 'succeeded' && counts.reverting > 0) fail('somebody is still on its way back');
    if (state === 'rolled-back' && counts['revert-unconfirmed'] + counts.reverting > 0) fail('not all are back');
    if (/^rolled-back/.test(state) && counts.proven + counts.sent + counts.failed > 0) fail('somebody still has it');
  }

  #wasPlanned = ({ planned, counts }: Rollout): boolean => planned > 0 || counts.skipped > 0;
}
