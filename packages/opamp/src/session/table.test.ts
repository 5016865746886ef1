import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { http, uidOf, ws } from '../../test/server.ts';
import {
  AgentToServerSchema,
  encodeAgentToServer,
  exchange,
  type Input,
  type Link,
  newSession,
  type Session,
  uidToBytes,
} from '../index.ts';
import { type EventKind, eventOf, type State, transitions } from './exchange.ts';

const uid = uidOf(1);

function message(link: Link, sequence: number, capabilities = 0x4403, flags = 0n): Input {
  const content = {
    instanceUid: uidToBytes(uid),
    sequenceNum: BigInt(sequence),
    capabilities: BigInt(capabilities),
    flags,
  };
  const decoded = create(AgentToServerSchema, { ...content, agentDescription: {} });
  return { kind: 'message', link, message: decoded, payload: encodeAgentToServer(decoded) };
}

const give = (session: Session, input: Input, now: number) => exchange(session, input, now, () => uidOf(3));
const after = (session: Session, ...inputs: readonly Input[]) =>
  inputs.reduce((current, input) => give(current, input, 0).session, session);

// One representative of each row. The online agent moved from `own` to `own2`; `thief` was found to be another one.
const attached = after(newSession(uid), message(ws('own'), 1), message(ws('thief'), 5), message(ws('own'), 2));
const online = after(attached, message(ws('own2'), 3));
/** RequestInstanceUid, in the next message of `online`. */
const asking = message(ws('own2'), 4, 0x4403, 1n);
const rows: Record<State, Session> = {
  online,
  offline: after(online, { kind: 'link-closed', link: 'own2' }),
  moved: after(online, asking),
};

const columns: Record<EventKind, Input> = {
  heard: message(ws('own2'), 4),
  'heard-displaced': message(ws('own'), 4),
  'heard-intruder': message(ws('thief'), 6),
  'own-link-closed': { kind: 'link-closed', link: 'own2' },
  'other-link-closed': { kind: 'link-closed', link: 'thief' },
  'ask-full-state': { kind: 'ask-full-state' },
  restart: { kind: 'restart' },
};

/** [state after, what is answered, facts]; `same` means the very same reference. */
type Row = Record<EventKind, readonly [State | 'same', string, string]>;

const back = ['online', 'plain', 'connected agentDescription full-state'] as const;
const late = ['same', 'newUid', ''] as const;
const refused = ['same', '-', 'refused'] as const;
const nothing = ['same', '-', ''] as const;

const expected: Record<State, Row> = {
  online: {
    heard: ['online', 'plain', 'agentDescription full-state'],
    'heard-displaced': ['online', 'plain newUid', 'conflict connected agentDescription full-state'],
    'heard-intruder': late,
    'own-link-closed': ['offline', '-', 'disconnected'],
    'other-link-closed': ['online', '-', ''],
    'ask-full-state': ['online', 'flags', ''],
    restart: ['online', 'command', ''],
  },
  offline: {
    heard: back,
    'heard-displaced': back,
    'heard-intruder': late,
    'own-link-closed': nothing,
    'other-link-closed': ['offline', '-', ''],
    'ask-full-state': refused,
    restart: refused,
  },
  moved: {
    heard: late,
    'heard-displaced': late,
    'heard-intruder': late,
    'own-link-closed': nothing,
    'other-link-closed': ['moved', '-', ''],
    'ask-full-state': refused,
    restart: refused,
  },
};

const cells = (Object.keys(transitions) as State[]).flatMap((state) =>
  (Object.keys(transitions[state]) as EventKind[]).map((event) => [state, event] as const),
);

describe('the transition table', () => {
  test('has 3 states and 7 events', () => expect(cells).toHaveLength(21));

  test.each(cells)('%s, %s', (state, event) => {
    const before = rows[state];
    expect(before.state).toBe(state);
    const { session, deliveries, facts } = give(before, columns[event], 1_000_000);
    const [expectedState, answer, factKinds] = expected[state][event];
    expect(facts.map(({ kind }) => kind).join(' ')).toBe(factKinds);
    const said = deliveries.map(({ reply: { uid: _uid, ...content } }) => {
      return Object.keys(content).join(' ') || 'plain';
    });
    expect(said.join(' ') || '-').toBe(answer);
    if (expectedState === 'same') expect(session).toBe(before);
    else expect(session.state).toBe(expectedState);
  });
});

test('a uid that was not heard yet is offline, and its agent is connected by its first message', () => {
  const { session, facts } = give(newSession(uid), message(ws('own'), 1), 0);
  expect(session.state).toBe('online');
  expect(facts.map(({ kind }) => kind)).toEqual(['connected', 'capabilities', 'agentDescription', 'full-state']);
});

test('every event is recognised in the state that can tell it apart', () => {
  for (const [event, input] of Object.entries(columns)) expect(eventOf(rows.online, input)).toBe(event);
});

test('a message over a new link: the agent is there, in silence (S-257)', () => {
  const { session, deliveries, facts } = give(rows.online, message(ws('other'), 4), 0);
  expect(session).toMatchObject({ state: 'online', epoch: 'other', older: [ws('own'), ws('own2')] });
  expect(deliveries).toEqual([{ link: ws('other'), reply: { uid } }]);
  expect(facts.map(({ kind }) => kind)).toEqual(['connected', 'agentDescription', 'full-state']);
});

test('over HTTP the same link is the same agent, whatever exchange it was', () => {
  const session = after(newSession(uid), message(http, 1));
  expect(eventOf(session, message(http, 2))).toBe('heard');
});
