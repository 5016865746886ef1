import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { flagsOf, http, kinds, only, pollOf, TestServer, uidOf, ws } from '../../test/server.ts';
import {
  AgentToServerSchema,
  AgentCapabilities as Bits,
  encodeRemoteConfig,
  push,
  ServerToAgentSchema,
  uidFromBytes,
  uidToBytes,
} from '../index.ts';
import { failed, MemoryAgent } from '../testing/index.ts';

const FULL = 1;
const COMPONENTS = 2;

function setUp(capabilities?: number) {
  const server = new TestServer();
  const agent = new MemoryAgent({ uid: uidOf(1), ...(capabilities !== undefined && { capabilities }) });
  return { server, agent, session: () => server.session(agent.uid) };
}

/** Started on link `a`, in sync. */
function started(link = ws('a')) {
  const made = setUp();
  made.server.hear(link, made.agent.start());
  return made;
}

describe('answers', () => {
  test('S-047, S-048, S-063: a heartbeat is answered with uid and capabilities, nothing more', () => {
    const { server, agent } = started();
    const reply = only(server.hear(ws('a'), agent.report()));
    expect(Buffer.from(toBinary(ServerToAgentSchema, reply)).toString('hex')).toBe(`0a10${agent.uid}3807`);
  });

  test('S-049, S-050, S-007: two agents on one link are told apart by uid', () => {
    const { server, agent } = started();
    const other = new MemoryAgent({ uid: uidOf(2) });
    const reply = only(server.hear(ws('a'), other.start()));
    expect(uidFromBytes(reply.instanceUid)).toBe(other.uid);
    server.hear(ws('a'), other.goodbye());
    expect(server.session(other.uid).state).toBe('offline');
    expect(server.session(agent.uid).state).toBe('online');
  });

  test('S-054: the same bytes twice are answered twice and taken in once', () => {
    const { server, agent, session } = started();
    const message = agent.change({ health: { healthy: false } });
    expect(kinds(server.hear(ws('a'), message))).toEqual(['health']);
    const before = session();
    const again = server.hear(ws('a'), message);
    expect(again.facts).toEqual([]);
    expect(flagsOf(again)).toBe(0);
    expect(session()).toBe(before);
  });

  test('S-062: a message resent over a new connection attaches the agent, and nothing else', () => {
    const { server, agent, session } = started();
    const message = agent.change({ health: { healthy: false } });
    server.hear(ws('a'), message);
    server.close('a');
    expect(kinds(server.hear(ws('b'), message))).toEqual(['connected']);
    expect(session()).toMatchObject({
      state: 'online',
      knowledge: 'synced',
      epoch: 'b',
    });
  });

  test('S-237: what the server has no use for is taken in and ignored', () => {
    const { server, agent } = started();
    const message = agent.report({
      customCapabilities: { capabilities: ['x'] },
      customMessage: { capability: 'x', type: 't' },
      packageStatuses: { packages: { a: { status: 42 as never } } },
      connectionSettingsRequest: { opamp: { certificateRequest: {} } },
      connectionSettingsStatus: { status: 3 },
    });
    const outcome = server.hear(ws('a'), message);
    expect(outcome.facts).toEqual([]);
    expect(only(outcome).errorResponse).toBeUndefined();
    expect(flagsOf(outcome)).toBe(0);
    expect(flagsOf(server.hear(ws('a'), agent.report()))).toBe(0);
  });
});

describe('sequence and full state', () => {
  test('S-087: consecutive numbers never ask for the full state', () => {
    const { server, agent } = started();
    for (let i = 0; i < 20; i++) expect(flagsOf(server.hear(ws('a'), agent.report()))).toBe(0);
  });

  test.each([
    ['1, 2, 4', [1, 2, 4]],
    ['5, 1', [5, 1]],
    ['5, 3', [5, 3]],
    ['0, 0 with other content', [0, 0]],
  ])('S-088: %s asks with the last', (_name, numbers) => {
    const { server, agent, session } = setUp();
    let flags: number | undefined;
    numbers.forEach((number, i) => {
      agent.sequence = BigInt(number);
      const full = i === 0;
      const message = full ? agent.fullState() : agent.report({ health: { status: String(i) } });
      flags = flagsOf(server.hear(ws('a'), message));
      if (full) expect(flags).toBe(0);
    });
    expect(flags).toBe(FULL);
    expect(session()).toMatchObject({ knowledge: 'unknown', asks: 1 });
  });

  test('S-089: an unknown agent that does not say everything is asked, and known after its answer (S-090)', () => {
    const { server, agent, session } = setUp();
    agent.sequence = 57n;
    const reply = only(server.hear(ws('a'), agent.report()));
    expect(Number(reply.flags)).toBe(FULL);
    const [full] = agent.receive(reply);
    const after = server.hear(ws('a'), full ?? agent.fullState());
    expect(flagsOf(after)).toBe(0);
    expect(kinds(after)).toContain('full-state');
    expect(session()).toMatchObject({ knowledge: 'synced', count: { next: 59n } });
  });

  test('S-091, S-092: a fact for every part that is present, none for an absent one, also when present and empty', () => {
    const { server, agent } = started();
    const outcome = server.hear(ws('a'), agent.report({ availableComponents: {}, effectiveConfig: {} }));
    expect(kinds(outcome)).toEqual(['effectiveConfig', 'availableComponents']);
  });

  test('S-095: a reconnect with the next number and nothing else keeps the agent in sync', () => {
    const { server, agent, session } = started();
    server.close('a');
    const outcome = server.hear(ws('b'), agent.report());
    expect(kinds(outcome)).toEqual(['connected']);
    expect(flagsOf(outcome)).toBe(0);
    expect(session()).toMatchObject({ knowledge: 'synced', epoch: 'b' });
  });

  test('S-096: number 0 with everything is a restart of the agent and a new baseline, without a question', () => {
    const { server, agent, session } = started(http);
    for (let i = 0; i < 5; i++) server.hear(http, agent.report());
    agent.state = { ...agent.state, health: { healthy: true, startTimeUnixNano: 2n } };
    const outcome = server.hear(http, agent.start());
    expect(kinds(outcome).slice(0, 2)).toEqual(['reboot', 'connected']);
    expect(flagsOf(outcome)).toBe(0);
    expect(session()).toMatchObject({ knowledge: 'synced', epoch: 'boot#1' });
    expect(flagsOf(server.hear(http, agent.report()))).toBe(0);
  });

  test('S-054: a copy of the first message that a proxy sends late is no restart, and nothing is concluded from it', () => {
    const { server, agent, session } = setUp();
    const first = agent.start();
    server.hear(http, first);
    server.hear(http, agent.change({ health: { healthy: false } }));
    const echo = server.hear(http, first);
    expect(echo.facts).toEqual([]);
    expect(flagsOf(echo)).toBe(0);
    expect(session()).toMatchObject({ knowledge: 'unknown', epoch: 'boot#0', count: { next: 2n } });
    // The agent goes on, and is asked for what it is; the copies after that are none of the last full state.
    expect(flagsOf(server.hear(http, agent.report()))).toBe(FULL);
    expect(kinds(server.hear(http, agent.fullState()))).toContain('full-state');
    expect(session()).toMatchObject({ knowledge: 'synced', epoch: 'boot#0' });
  });

  test('S-096: an agent that begins anew with the very same words is known by the next ones', () => {
    const { server, agent, session } = setUp();
    server.hear(http, agent.start());
    for (let i = 0; i < 3; i++) server.hear(http, agent.report());
    server.hear(http, agent.start());
    const outcome = server.hear(http, agent.report());
    expect(kinds(outcome)).toContain('reboot');
    expect(flagsOf(outcome)).toBe(FULL);
    server.hear(http, agent.fullState());
    expect(session()).toMatchObject({ knowledge: 'synced', epoch: 'boot#1' });
  });

  test('S-054: nor is a late copy of the message by which a restart was known', () => {
    const { server, agent, session } = setUp();
    server.hear(http, agent.start());
    for (let i = 0; i < 3; i++) server.hear(http, agent.report());
    server.hear(http, agent.start());
    const second = agent.report();
    server.hear(http, second);
    server.hear(http, agent.fullState());
    expect(server.hear(http, second).facts).toEqual([]);
    expect(session()).toMatchObject({ knowledge: 'unknown', epoch: 'boot#1', count: { next: 3n } });
  });

  test('S-097: a client that polls with number 0 for ever is asked ever more seldom', () => {
    const { server, agent } = setUp(1);
    let asked = 0;
    for (let poll = 0; poll < 2_880; poll++) {
      agent.sequence = 0n;
      const status = String(poll);
      asked += flagsOf(server.hear(http, agent.report({ health: { status } })));
      server.now += 30_000;
    }
    expect(asked).toBeGreaterThan(2);
    // A day holds 24 hours, and the first hour some more.
    expect(asked).toBeLessThan(35);
  });

  test('S-097: one request is outstanding: what was under way when it left is not a reason for another', () => {
    const { server, agent } = started();
    agent.sequence += 1n;
    expect(flagsOf(server.hear(ws('a'), agent.report()))).toBe(FULL);
    expect(flagsOf(server.hear(ws('a'), agent.report()))).toBe(0);
    agent.sequence += 1n;
    expect(flagsOf(server.hear(ws('a'), agent.report()))).toBe(FULL);
  });

  test('a full report is never answered with the question for one (no loop)', () => {
    const { server, agent } = started();
    agent.sequence = 77n;
    expect(flagsOf(server.hear(ws('a'), agent.fullState()))).toBe(0);
  });

  test('S-270: a message answered with BAD_REQUEST never reached the session, so the next one shows a gap', () => {
    const { server, agent } = started();
    agent.report();
    const outcome = server.hear(ws('a'), agent.report());
    expect(outcome.facts).toEqual([{ kind: 'gap' }]);
    expect(flagsOf(outcome)).toBe(FULL);
  });

  test('the domain asks for the full state: at once over WebSocket, with the next answer over HTTP, within limits', () => {
    const over = started(ws('a'));
    over.server.now = 1e6;
    expect(flagsOf(over.server.give(over.agent.uid, { kind: 'ask-full-state' }))).toBe(FULL);
    expect(over.server.give(over.agent.uid, { kind: 'ask-full-state' }).facts).toMatchObject([{ reason: 'rate' }]);
    const polls = started(http);
    expect(polls.server.give(polls.agent.uid, { kind: 'ask-full-state' }).replies).toEqual([]);
    expect(flagsOf(polls.server.hear(http, polls.agent.report()))).toBe(FULL);
    expect(flagsOf(polls.server.hear(http, polls.agent.report()))).toBe(0);
  });

  test('S-275: the minimal agent is known by its uid and answered', () => {
    const { server, agent, session } = setUp(1);
    expect(kinds(server.hear(ws('a'), agent.report()))).toEqual(['connected', 'capabilities']);
    expect(session()).toMatchObject({ state: 'online', capabilities: 1, knowledge: 'unknown', asks: 1 });
  });
});

describe('a full state without the status of a remote configuration', () => {
  const made = () => {
    const { server, agent, session } = setUp();
    agent.state = { ...agent.state, remoteConfigStatus: undefined };
    return { server, agent, session };
  };

  test('is one as long as the agent has told none: also after its restart', () => {
    const { server, agent, session } = made();
    expect(flagsOf(server.hear(ws('a'), agent.start())) & FULL).toBe(0);
    expect(session().knowledge).toBe('synced');
    server.hear(ws('a'), agent.report({ remoteConfigStatus: { status: 1 } }));
    server.hear(ws('b'), agent.start());
    expect(session()).toMatchObject({ knowledge: 'synced' });
  });

  test('is none once it was told: a change of the description may be all that came after a gap', () => {
    const { server, agent, session } = started();
    agent.sequence += 3n;
    const { agentDescription } = agent.state;
    expect(flagsOf(server.hear(ws('a'), agent.report({ agentDescription }))) & FULL).toBe(FULL);
    expect(session().knowledge).toBe('unknown');
  });

  test('is none from a session met in the midst of its numbers, unless asked for: a new uid, or a server that restarted', () => {
    const { server, agent, session } = setUp();
    agent.sequence = 7n;
    const { agentDescription } = agent.state;
    const met = server.hear(ws('a'), agent.report({ agentDescription }));
    expect(kinds(met)).not.toContain('full-state');
    expect(flagsOf(met) & FULL).toBe(FULL);
    expect(session().knowledge).toBe('unknown');
    // The Python client, never offered anything, to a server that was restarted.
    agent.state = { ...agent.state, remoteConfigStatus: undefined };
    expect(kinds(server.hear(ws('a'), agent.fullState()))).toContain('full-state');
    expect(session().knowledge).toBe('synced');
  });
});

describe('polls and capabilities', () => {
  test('A4, S-033, S-070: a poll with the uid alone wipes no capabilities and moves no number', () => {
    const { server, agent, session } = started(http);
    const before = session();
    expect(server.hear(http, pollOf(agent)).facts).toEqual([]);
    expect(session()).toBe(before);
    expect(flagsOf(server.hear(http, agent.report()))).toBe(0);
  });

  test('S-069, S-113: capabilities may change; nothing is offered against them', () => {
    const { server, agent } = started();
    server.offer = { remoteConfig: encodeRemoteConfig({ files: [], hash: Uint8Array.of(9) }) };
    expect(only(server.hear(ws('a'), agent.report())).remoteConfig?.configHash).toEqual(Uint8Array.of(9));
    agent.capabilities &= ~Bits.AgentCapabilities_AcceptsRemoteConfig;
    const outcome = server.hear(ws('a'), agent.report());
    expect(kinds(outcome)).toEqual(['capabilities']);
    expect(only(outcome).remoteConfig).toBeUndefined();
  });

  test('S-071: unknown bits are kept out of trouble', () => {
    const { server, agent, session } = setUp();
    const message = agent.start();
    message.capabilities |= (1n << 40n) | 0x80000000n;
    server.hear(ws('a'), message);
    expect(session().capabilities).toBe(agent.capabilities + 0x80000000);
  });

  test('S-276: nothing is offered before the capabilities are known', () => {
    const { server, agent } = setUp();
    server.offer = { remoteConfig: encodeRemoteConfig({ files: [], hash: Uint8Array.of(9) }) };
    expect(only(server.hear(http, pollOf(agent))).remoteConfig).toBeUndefined();
  });
});

describe('links', () => {
  test('S-252, A14: goodbye detaches this agent, is answered, and asks for nothing', () => {
    const { server, agent, session } = started();
    agent.sequence += 3n;
    const goodbye = agent.goodbye();
    const outcome = server.hear(ws('a'), goodbye);
    expect(kinds(outcome)).toEqual(['gap', 'disconnected']);
    expect(flagsOf(outcome)).toBe(0);
    const left = session();
    expect(left.state).toBe('offline');
    expect(server.hear(ws('a'), goodbye).facts).toEqual([]);
    expect(session()).toEqual(left);
  });

  test('S-253: the close of a link detaches all agents on it', () => {
    const { server, agent } = started();
    const other = new MemoryAgent({ uid: uidOf(2) });
    server.hear(ws('a'), other.start());
    server.close('a');
    expect([agent, other].map(({ uid }) => server.session(uid).state)).toEqual(['offline', 'offline']);
  });

  test('S-256: the late close of an old link detaches nobody from the new one', () => {
    const { server, agent, session } = started();
    server.hear(ws('b'), agent.report());
    server.close('a');
    expect(session()).toMatchObject({ state: 'online', epoch: 'b', older: [] });
  });

  test('S-257: the late goodbye of an old link is no quarrel', () => {
    const { server, agent, session } = started();
    const goodbye = agent.goodbye();
    server.hear(ws('b'), agent.report());
    expect(server.hear(ws('a'), goodbye).facts).toEqual([]);
    expect(session()).toMatchObject({ state: 'online', epoch: 'b', older: [] });
  });

  test('S-046: a silent HTTP agent goes offline, and comes back with the next poll in the same epoch', () => {
    const { server, agent, session } = started(http);
    expect(kinds(server.give(agent.uid, { kind: 'link-closed', link: http.id }))).toEqual(['disconnected']);
    expect(kinds(server.hear(http, agent.report()))).toEqual(['connected']);
    expect(session()).toMatchObject({ state: 'online', epoch: 'boot#0', knowledge: 'synced' });
  });
});

describe('commands and offers', () => {
  test('S-229, S-230, S-232: restart goes alone, once, and only to who accepts it', () => {
    const { server, agent } = started();
    const reply = only(server.give(agent.uid, { kind: 'restart' }));
    expect(Buffer.from(toBinary(ServerToAgentSchema, reply)).toString('hex')).toBe(`0a10${agent.uid}38074a00`);
    const [again] = agent.receive(reply);
    expect(again?.sequenceNum).toBe(0n);
    server.close('a');
    expect(only(server.hear(ws('b'), again ?? agent.start())).command).toBeUndefined();
    agent.capabilities &= ~Bits.AgentCapabilities_AcceptsRestartCommand;
    server.hear(ws('b'), agent.report());
    expect(server.give(agent.uid, { kind: 'restart' }).facts).toMatchObject([{ reason: 'capability' }]);
  });

  test('S-034, A22: over HTTP the command waits for the poll and leaves the offer to the one after', () => {
    const { server, agent } = started(http);
    server.offer = { remoteConfig: encodeRemoteConfig({ files: [], hash: Uint8Array.of(9) }) };
    expect(server.give(agent.uid, { kind: 'restart' }).replies).toEqual([]);
    const first = only(server.hear(http, agent.report()));
    expect([first.command !== undefined, first.remoteConfig, first.flags]).toEqual([true, undefined, 0n]);
    const second = only(server.hear(http, agent.report()));
    expect([second.command, second.remoteConfig !== undefined]).toEqual([undefined, true]);
  });

  test('S-069: a command that waits for the poll is dropped when the agent stops accepting it', () => {
    const { server, agent } = started(http);
    server.give(agent.uid, { kind: 'restart' });
    agent.capabilities &= ~Bits.AgentCapabilities_AcceptsRestartCommand;
    const outcome = server.hear(http, agent.report());
    expect(only(outcome).command).toBeUndefined();
    expect(kinds(outcome)).toEqual(['capabilities']);
    expect(kinds(server.hear(http, agent.report()))).toEqual([]);
  });

  test('S-120: an offer is pushed over WebSocket and waits for the poll over HTTP', () => {
    const offer = { remoteConfig: encodeRemoteConfig({ files: [], hash: Uint8Array.of(9) }) };
    const over = started();
    expect(push(over.session(), offer)).toEqual({ link: ws('a'), reply: { uid: over.agent.uid, ...offer } });
    expect(push(started(http).session(), offer)).toBeUndefined();
  });

  test('S-243, S-246, S-251: components are asked by flag and reported as a map; a hash alone is no empty map', () => {
    const { server, agent } = setUp();
    const first = server.hear(ws('a'), agent.start());
    expect(first.facts.find(({ kind }) => kind === 'availableComponents')).toMatchObject({
      value: { hash: Uint8Array.of(1, 2, 3), components: {} },
    });
    server.offer = { askComponents: true };
    const reply = only(server.hear(ws('a'), agent.report()));
    expect(Number(reply.flags)).toBe(COMPONENTS);
    const [map] = agent.receive(reply);
    const told = server.hear(ws('a'), map ?? agent.report());
    expect(told.facts).toMatchObject([{ kind: 'availableComponents', value: { components: { receivers: {} } } }]);
    const few = setUp(3);
    few.server.hear(ws('a'), few.agent.start());
    expect(push(few.session(), { askComponents: true })).toBeUndefined();
  });

  test('a configuration is applied, or fails, in the words of the agent (S-122)', () => {
    const { server, agent } = started();
    agent.outcome = failed('no such exporter');
    server.offer = { remoteConfig: encodeRemoteConfig({ files: [], hash: Uint8Array.of(9) }) };
    const reports = agent.receive(only(server.hear(ws('a'), agent.report())));
    const facts = reports.flatMap((report) => server.hear(ws('a'), report).facts);
    expect(facts).toMatchObject([
      { kind: 'remoteConfigStatus', value: { status: 3, errorMessage: 'no such exporter' } },
    ]);
  });
});

describe('uids', () => {
  test('S-079, S-081, S-083, S-094: a requested uid is given once, and the record goes on under it', () => {
    const { server, agent, session } = setUp();
    const asks = agent.start();
    asks.flags = 1n;
    const outcome = server.hear(http, asks);
    const given = uidFromBytes(only(outcome).agentIdentification?.newInstanceUid ?? new Uint8Array());
    expect(uidFromBytes(only(outcome).instanceUid)).toBe(agent.uid);

    const late = server.hear(http, agent.report());
    expect(late.facts).toEqual([]);
    expect(uidFromBytes(only(late).agentIdentification?.newInstanceUid ?? new Uint8Array())).toBe(given);
    expect(session().state).toBe('moved');

    agent.receive(only(late));
    expect(agent.uid).toBe(given);
    expect(kinds(server.hear(http, agent.fullState()))).not.toContain('connected');
    expect(session()).toMatchObject({ state: 'online', uid: given, knowledge: 'synced' });
    expect(server.sessions.size).toBe(2);
  });

  test('S-084, S-085: two live WebSockets with one uid: the newer one gets another', () => {
    const { server, agent, session } = started();
    const clone = new MemoryAgent({ uid: agent.uid });
    expect(kinds(server.hear(ws('b'), clone.start()))).not.toContain('conflict');
    const outcome = server.hear(ws('a'), agent.report());
    expect(outcome.facts[0]).toEqual({ kind: 'conflict' });
    expect(outcome.replies.map(({ link }) => link).sort()).toEqual(['a', 'b']);
    expect(session()).toMatchObject({ state: 'online', epoch: 'a', knowledge: 'unknown', asks: 1 });

    const inFlight = server.hear(ws('b'), clone.report());
    expect(inFlight.facts).toEqual([]);
    clone.receive(only(inFlight));
    expect(clone.uid).not.toBe(agent.uid);
    server.hear(ws('b'), clone.fullState());
    expect(server.session(clone.uid)).toMatchObject({ state: 'online', epoch: 'b' });
    expect(session()).toMatchObject({ state: 'online', epoch: 'a' });
  });

  test('R20: a thousand clones all have their own uid after two messages each', () => {
    const server = new TestServer();
    const clones = Array.from({ length: 1000 }, () => new MemoryAgent({ uid: uidOf(1) }));
    for (const [i, clone] of clones.entries()) server.hear(ws(String(i)), clone.start());
    const byLink = new Map(clones.map((clone, i) => [String(i), clone]));
    for (const [i, clone] of clones.entries()) {
      if (clone.uid !== uidOf(1)) continue;
      for (const { link, message } of server.hear(ws(String(i)), clone.report()).replies) {
        byLink.get(link)?.receive(message);
      }
    }
    expect(new Set(clones.map(({ uid }) => uid)).size).toBe(1000);
    expect(clones[0]?.uid).toBe(uidOf(1));
  });

  test('S-084 over HTTP: two interleaved counts are two agents, and the lower one gets another uid', () => {
    const { server, agent } = started(http);
    for (let i = 0; i < 10; i++) server.hear(http, agent.report());
    const clone = new MemoryAgent({ uid: agent.uid });
    server.hear(http, clone.start());
    const conflicts: string[] = [];
    for (const speaker of [agent, clone, agent, clone, agent, clone, agent, clone]) {
      const outcome = server.hear(http, speaker.report());
      if (kinds(outcome).includes('conflict')) conflicts.push(speaker === clone ? 'clone' : 'agent');
      for (const full of speaker.receive(only(outcome))) server.hear(http, full);
    }
    expect(conflicts).toEqual(['clone']);
    expect(clone.uid).not.toBe(agent.uid);
    expect(agent.uid).toBe(uidOf(1));
  });

  test('S-084 over HTTP: a clone that goes on from where its image was taken', () => {
    const { server, agent } = started(http);
    for (let i = 0; i < 50; i++) server.hear(http, agent.report());
    const clone = new MemoryAgent({ uid: agent.uid });
    clone.sequence = agent.sequence;
    for (let i = 0; i < 50; i++) server.hear(http, agent.report());
    for (let i = 0; i < 4; i++) {
      for (const speaker of [clone, agent]) {
        const reply = only(server.hear(http, speaker.report()));
        for (const full of speaker.receive(reply)) server.hear(http, full);
      }
    }
    expect(clone.uid).not.toBe(agent.uid);
    expect(agent.uid).toBe(uidOf(1));
  });

  test('one reordered message over HTTP is a gap, not a clone', () => {
    const { server, agent } = started(http);
    const [, late, early, next] = [agent.report(), agent.report(), agent.report(), agent.report()];
    const outcomes = [early, late, next, agent.report()].map((message) => server.hear(http, message ?? agent.report()));
    expect(outcomes.flatMap(kinds)).not.toContain('conflict');
  });

  test('a WebSocket agent keeps its uid against an HTTP one, and the exclusion ends with it', () => {
    const { server, agent, session } = started();
    const clone = new MemoryAgent({ uid: agent.uid });
    server.hear(http, clone.start());
    expect(kinds(server.hear(ws('a'), agent.report()))).toContain('conflict');
    const reply = only(server.hear(http, clone.report()));
    expect(reply.agentIdentification).toBeDefined();
    server.close('a');
    expect(session().intruders).toEqual([]);
  });

  test('S-077: any 16 bytes are a uid', () => {
    const server = new TestServer();
    const instanceUid = new Uint8Array(16).fill(255);
    const message = create(AgentToServerSchema, { instanceUid, capabilities: 1n });
    expect(only(server.hear(http, message)).instanceUid).toEqual(instanceUid);
    expect(uidToBytes(uidFromBytes(instanceUid))).toEqual(instanceUid);
  });
});
