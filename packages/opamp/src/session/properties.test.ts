import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { flagsOf, http, type Outcome, pollOf, TestServer, uidOf, ws } from '../../test/server.ts';
import type { AgentToServer, Input, Session } from '../index.ts';
import { exchange } from '../index.ts';
import { MemoryAgent } from '../testing/index.ts';

/** What happens to one agent between two exchanges. */
type Event =
  | {
      readonly do:
        | 'report'
        | 'change'
        | 'poll'
        | 'lose'
        | 'repeat'
        | 'reconnect'
        | 'goodbye'
        | 'reboot'
        | 'restart-server';
    }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'intent'; readonly kind: 'ask-full-state' | 'restart' }
  | { readonly do: 'silence' };

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Event>({ do: 'report' }, { do: 'change' }, { do: 'poll' }) },
  { weight: 3, arbitrary: fc.constantFrom<Event>({ do: 'lose' }, { do: 'repeat' }, { do: 'reconnect' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Event>({ do: 'goodbye' }, { do: 'reboot' }, { do: 'restart-server' }),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 100_000 }).map((ms): Event => ({ do: 'wait', ms })) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('ask-full-state' as const, 'restart' as const, 'silence' as const)
      .map((kind): Event => (kind === 'silence' ? { do: kind } : { do: 'intent', kind })),
  },
);

/** One agent and one server with a bad network between them. */
class Run {
  readonly server = new TestServer();
  readonly agent = new MemoryAgent({ uid: uidOf(1) });
  readonly outcomes: { readonly message: AgentToServer; readonly outcome: Outcome }[] = [];
  requests = 0;
  reasons = 0;
  private links = 0;
  private last: AgentToServer;
  private readonly overHttp: boolean;

  constructor(overHttp: boolean) {
    this.overHttp = overHttp;
    this.last = this.agent.start();
    this.send(this.last);
  }

  get link() {
    return this.overHttp ? http : ws(`link-${this.links}`);
  }

  get session(): Session {
    return this.server.session(this.agent.uid);
  }

  /** The message arrives; the answer gets back unless `lost`. */
  send(message: AgentToServer, lost = false): void {
    const before = this.session;
    const outcome = this.server.hear(this.link, message);
    this.outcomes.push({ message, outcome });
    this.last = message;
    if (flagsOf(outcome) & 1) this.requests += 1;
    const gap = outcome.facts.some(({ kind }) => kind === 'gap' || kind === 'reboot' || kind === 'connected');
    if (gap || this.server.now - before.askedAt >= 30_000) this.reasons += 1;
    if (lost) return;
    for (const { message: reply } of outcome.replies) for (const next of this.agent.receive(reply)) this.send(next);
  }

  reconnect(): void {
    if (!this.overHttp) this.server.close(this.link.id);
    this.links += 1;
  }

  play(event: Event): void {
    const { agent, server } = this;
    switch (event.do) {
      case 'report':
        this.send(agent.report());
        return;
      case 'change':
        this.send(agent.change({ health: { status: String(agent.sequence) } }));
        return;
      case 'poll':
        this.send(pollOf(agent));
        return;
      case 'lose':
        agent.change({ health: { status: 'lost' } });
        return;
      case 'repeat':
        this.send(this.last);
        return;
      case 'reconnect':
        this.reconnect();
        this.send(agent.report());
        return;
      case 'goodbye':
        this.send(agent.goodbye(), true);
        return;
      case 'reboot':
        this.reconnect();
        this.send(agent.start());
        return;
      case 'restart-server':
        server.restart();
        return;
      case 'wait':
        server.now += event.ms;
        return;
      case 'silence':
        server.give(agent.uid, { kind: 'link-closed', link: this.link.id });
        return;
      case 'intent':
        if (event.kind === 'ask-full-state') this.reasons += 1;
        for (const { message } of server.give(agent.uid, { kind: event.kind }).replies) {
          for (const next of agent.receive(message)) this.send(next);
        }
    }
  }
}

const runs = fc.tuple(fc.boolean(), fc.array(event, { maxLength: 60, size: 'max' }));

function play([overHttp, events]: readonly [boolean, readonly Event[]]): Run {
  const run = new Run(overHttp);
  for (const each of events) run.play(each);
  return run;
}

describe('whatever happens', () => {
  test('OS1: every message has exactly one answer, under its own uid', () => {
    fc.assert(
      fc.property(runs, (input) => {
        for (const { message, outcome } of play(input).outcomes) {
          expect(outcome.replies).toHaveLength(1);
          expect(outcome.replies[0]?.message.instanceUid).toEqual(message.instanceUid);
        }
      }),
    );
  });

  test('OS3: a message that holds the full state is never answered with the question for it', () => {
    fc.assert(
      fc.property(runs, (input) => {
        for (const { message, outcome } of play(input).outcomes) {
          if (message.agentDescription && message.remoteConfigStatus) expect(flagsOf(outcome) & 1).toBe(0);
        }
      }),
    );
  });

  test('OS4, R23: when the losses end, the agent is in sync within two exchanges', () => {
    fc.assert(
      fc.property(runs, (input) => {
        const run = play(input);
        run.server.now += 3_600_000;
        run.send(run.agent.report());
        run.send(run.agent.report());
        expect(run.session).toMatchObject({ state: 'online', knowledge: 'synced' });
        const { health } = run.agent.state;
        const told = run.server.facts.flatMap(({ fact }) => (fact.kind === 'health' ? [fact.value.status] : []));
        expect(told.at(-1)).toBe(health?.status ?? '');
      }),
    );
  });

  test('OS5, S-097: no more requests than reasons for them', () => {
    fc.assert(
      fc.property(runs, (input) => {
        const run = play(input);
        expect(run.requests).toBeLessThanOrEqual(run.reasons);
      }),
    );
  });

  test('OS6: one agent alone is never in conflict with itself', () => {
    fc.assert(
      fc.property(runs, (input) => {
        expect(play(input).server.facts.map(({ fact }) => fact.kind)).not.toContain('conflict');
      }),
    );
  });

  test('OS7: connected and disconnected take turns, and online means connected', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60, size: 'max' }), (events) => {
        const run = new Run(false);
        for (const each of events) if (each.do !== 'restart-server') run.play(each);
        const turns = run.server.facts.map(({ fact }) => fact.kind).filter((kind) => kind.endsWith('connected'));
        for (const [i, kind] of turns.entries()) if (kind === 'disconnected') expect(turns[i - 1]).toBe('connected');
        expect(turns.at(-1)).toBe(run.session.state === 'online' ? 'connected' : 'disconnected');
      }),
    );
  });

  test('OS8: the same inputs give the same outcome, and no input is written to', () => {
    fc.assert(
      fc.property(runs, (input) => {
        const [first, second] = [play(input), play(input)];
        expect(second.session).toEqual(first.session);
        expect(second.server.facts).toEqual(first.server.facts);
        deepFreeze(first.session);
        const closed: Input = { kind: 'link-closed', link: first.link.id };
        const intents: readonly Input[] = [closed, { kind: 'ask-full-state' }, { kind: 'restart' }];
        for (const intent of intents) exchange(first.session, intent, 0, () => uidOf(9));
      }),
      { numRuns: 30 },
    );
  });
});

test('OS2, S-256: with many links, the agent is on the link it spoke over last, unless that was a clone', () => {
  const acts = fc.array(fc.record({ link: fc.integer({ min: 0, max: 3 }), close: fc.boolean() }), {
    maxLength: 40,
    size: 'max',
  });
  fc.assert(
    fc.property(acts, (list) => {
      const server = new TestServer();
      const agent = new MemoryAgent({ uid: uidOf(1) });
      // A link is used up when it is closed, or when the agent has left it: so one agent behaves.
      let current = -1;
      const used = new Set<number>();
      for (const [i, { link, close }] of list.entries()) {
        const id = link + 4 * Math.floor(i / 4);
        if (close) {
          server.close(String(id));
          used.add(id);
          if (id === current) current = -1;
        } else if (!used.has(id) || id === current) {
          server.hear(ws(String(id)), agent.report());
          used.add(id);
          current = id;
        }
      }
      const session = server.session(agent.uid);
      expect(session.link?.id).toBe(current < 0 ? undefined : String(current));
    }),
  );
});

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
}
