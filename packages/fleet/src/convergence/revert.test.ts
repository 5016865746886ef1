/**
 * One agent that is sent B and then ordered back to A, with faults and an inner queue from a seed; the server is this
 * package's functions alone. What is asserted is told by the agent: proven on A means that nothing else is to come (I13).
 */
import { describe, expect, test } from 'vitest';
import { A, agent, B, health, QUICK, T0, TERMS } from '../../test/samples.ts';
import { SimulatedAgent } from '../../test/simulated-agent.ts';
import { ABSENT, type Agent, type Presence } from '../agents/agent.ts';
import { lacksNews } from './assess.ts';
import { assign, lastGood, withLedger } from './assignment.ts';
import { keepingConnection, mustReconnect } from './crossing.ts';
import { markSent } from './entry.ts';
import type { EffectiveVerdict } from './ledger.ts';
import { decideOffer } from './pull-law.ts';
import { settle } from './settle.ts';

const SECOND = 1_000;
const FAULTS_UNTIL = T0 + 200 * SECOND;
const END = T0 + 900 * SECOND;

function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const verdictOn = ({ ledger, report }: Agent): EffectiveVerdict | undefined => {
  const shown = report.effective?.digest;
  if (ledger === null || !shown) return undefined;
  return shown === ledger.revision.hash ? { kind: 'confirmed', why: '' } : { kind: 'contradicted', why: 'old' };
};

/** Proven on A, sent B, ordered back. */
class Story {
  readonly #roll: () => number;
  readonly #fault: number;
  readonly #revertAt: number;
  readonly #isShared: boolean;
  readonly real: SimulatedAgent;
  agent: Agent = { ...agent('a'), assignment: { ...agent('a').assignment, proven: [A] } };
  #there: Presence = ABSENT;
  #expected: number | null = null;
  /** How often its connection was closed for it. */
  closed = 0;

  constructor(seed: number) {
    this.#roll = dice(seed);
    this.#isShared = this.#chance(0.2);
    const upTo = (most: number) => Math.floor(this.#roll() * most);
    // Given up before it looks at B; a queue longer than that no law can know of.
    const isLate = this.#chance(0.2);
    const isSlow = !isLate && !this.#isShared && this.#chance(0.2);
    const transport = !isLate && !isSlow && this.#chance(0.3) ? 'http' : 'websocket';
    // On a slow way five sends in a row are lost with their connections, and that is where it ends.
    this.#fault = isLate || isSlow || this.#chance(0.2) ? 0 : 0.05;
    this.#revertAt = isLate ? 125 + upTo(30) : 5 + upTo(150);
    const lag = this.#chance(0.5) ? 5 + upTo(100) : 0;
    const way = isSlow ? 30 + upTo(270) : 0;
    this.real = new SimulatedAgent(
      'a',
      'good',
      transport,
      A.hash,
      isLate ? this.#revertAt + lag : isSlow ? 0 : lag,
      way,
    );
  }

  #chance(of: number): boolean {
    return this.#roll() < of;
  }

  #fails(now: number): boolean {
    return now < FAULTS_UNTIL && this.#chance(this.#fault);
  }

  run(): void {
    for (let second = 0; T0 + second * SECOND < END; second += 1) {
      const now = T0 + second * SECOND;
      if (second === 2) this.agent = assign(this.agent, B, { kind: 'rollout', rollout: 'r' }, QUICK, now);
      if (second === this.#revertAt) this.#order(now);
      if (this.#fails(now)) this.real.disconnect();
      this.real.pass(now);
      this.#communicate(now, second % 10 === 0);
      this.#settle(now);
      this.#offer(now);
    }
  }

  #order(now: number): void {
    const to = lastGood(this.agent, (hash) => hash === B.hash);
    expect(to).toBe(A);
    const terms = { ...TERMS, minHealthyTime: this.#chance(0.5) ? 0 : 10 * SECOND };
    this.agent = assign(this.agent, A, { kind: 'rollback', rollout: 'r' }, terms, now);
  }

  #communicate(now: number, isDue: boolean): void {
    const { transport, session, hasNews, epoch } = this.real;
    if (transport === 'http' || session !== null) {
      if (hasNews || isDue || this.#there.epoch !== epoch) this.#hear(now);
      return;
    }
    this.#there = { ...this.#there, connected: false, disconnectedAt: now };
    if (this.#chance(0.5)) this.real.connect();
  }

  #hear(now: number): void {
    const message = this.real.message();
    if (this.#fails(now)) return;
    const { epoch, transport } = this.real;
    const before = this.#there;
    const synced = message.full || (message.sequence === this.#expected && before.synced);
    this.#expected = message.sequence + 1;
    const knownAt = epoch === before.epoch ? before.fullStateAt : null;
    const fullStateAt = message.full ? now : knownAt;
    this.#there = { ...ABSENT, connected: true, transport, epoch, synced, fullStateAt, lastSeen: now };
    if (!synced) this.real.askFullState();
    const reported = message.status && { ...message.status, errorMessage: '', at: now };
    const effective = message.effective === null ? null : { files: [], digest: message.effective, at: now };
    const { report } = this.agent;
    this.agent = {
      ...this.agent,
      report: {
        health: message.healthy === null ? report.health : health(message.healthy, now),
        reported: reported ?? report.reported,
        effective: effective ?? report.effective,
      },
    };
  }

  #settle(now: number): void {
    const before = this.agent.ledger?.phase;
    this.agent = settle(this.agent, this.#there, { groupOf: () => 'edge', verdictOn }, now);
    const { ledger } = this.agent;
    if (ledger?.source.kind === 'rollback' && ledger.phase === 'proven' && before !== 'proven') {
      const coming = this.real.queued.filter((hash) => hash !== A.hash);
      expect({ runs: this.real.runs, coming }).toEqual({ runs: A.hash, coming: [] });
    }
    if (lacksNews(this.agent, this.#there, now)) this.real.askFullState();
    if (!mustReconnect(this.agent, this.#there, now)) return;
    if (this.#isShared) this.agent = keepingConnection(this.agent);
    else {
      this.closed += 1;
      this.real.disconnect();
      this.#there = { ...this.#there, connected: false, disconnectedAt: now };
    }
  }

  #offer(now: number): void {
    const decision = decideOffer(this.agent, this.#there, now);
    if (decision === 'ask-full-state') this.real.askFullState();
    const { ledger } = this.agent;
    if (decision !== 'offer' || ledger === null) return;
    this.agent = withLedger(this.agent, markSent(ledger, this.real.epoch, now));
    if (!this.#fails(now)) this.real.receive(ledger.revision.hash, now);
    // Over a WebSocket nothing is lost but with it.
    else if (this.real.transport === 'websocket') this.real.disconnect();
  }
}

const SEEDS = Number(process.env['SIMULATION_SEEDS'] ?? 1_000);

describe('the way back', () => {
  test(`is confirmed when nothing else can come any more (I13), over ${SEEDS} seeds`, { timeout: 120_000 }, () => {
    let closed = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const story = new Story(seed);
      try {
        story.run();
        const { ledger, assignment } = story.agent;
        expect([story.real.runs, ledger?.phase, assignment.refused]).toEqual([A.hash, 'proven', []]);
        expect(story.closed).toBeLessThan(2);
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
      closed += story.closed;
    }
    expect(closed).toBeGreaterThan(SEEDS / 50);
  });
});
