import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { http, uidOf, ws } from '../../test/server.ts';
import {
  AgentToServerSchema,
  type EncodedRemoteConfig,
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
const newUid = uidOf(2);
const remoteConfig: EncodedRemoteConfig = { hash: Uint8Array.of(1), bytes: Uint8Array.of(0x1a, 0) };

function message(link: Link, sequence: number, capabilities = 0x4403): Input {
  const content = {
    instanceUid: uidToBytes(uid),
    sequenceNum: BigInt(sequence),
    capabilities: BigInt(capabilities),
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
const rows: Record<State, Session> = {
  online,
  offline: after(online, { kind: 'link-closed', link: 'own2' }),
  moved: after(online, { kind: 'reassign', newUid }),
};

const columns: Record<EventKind, Input> = {
  heard: message(ws('own2'), 4),
  'heard-elsewhere': message(ws('other'), 4),
  'heard-displaced': message(ws('own'), 4),
  'heard-intruder': message(ws('thief'), 6),
  'own-link-closed': { kind: 'link-closed', link: 'own2' },
  'other-link-closed': { kind: 'link-closed', link: 'thief' },
  silent: { kind: 'silent' },
  'ask-full-state': { kind: 'ask-full-state' },
  restart: { kind: 'restart' },
  reassign: { kind: 'reassign', newUid },
  offer: { kind: 'offer', offer: { remoteConfig } },
};

/** [state after, what is answered, facts]; `same` means the very same reference. */
type Row = Record<EventKind, readonly [State | 'same', string, string]>;

const back = ['online', 'plain', 'connected description full-state'] as const;
const late = ['same', 'newUid', ''] as const;
const refused = ['same', '-', 'refused'] as const;
const nothing = ['same', '-', ''] as const;

const expected: Record<State, Row> = {
  online: {
    heard: ['online', 'plain', 'description full-state'],
    'heard-elsewhere': back,
    'heard-displaced': ['online', 'plain newUid', 'conflict connected description full-state'],
    'heard-intruder': late,
    'own-link-closed': ['offline', '-', 'disconnected'],
    'other-link-closed': ['online', '-', ''],
    silent: ['offline', '-', 'disconnected'],
    'ask-full-state': ['online', 'flags', ''],
    restart: ['online', 'command', ''],
    reassign: ['moved', 'newUid', ''],
    offer: ['same', 'remoteConfig', ''],
  },
  offline: {
    heard: back,
    'heard-elsewhere': back,
    'heard-displaced': back,
    'heard-intruder': late,
    'own-link-closed': nothing,
    'other-link-closed': ['offline', '-', ''],
    silent: nothing,
    'ask-full-state': refused,
    restart: refused,
    reassign: refused,
    offer: refused,
  },
  moved: {
    heard: late,
    'heard-elsewhere': late,
    'heard-displaced': late,
    'heard-intruder': late,
    'own-link-closed': nothing,
    'other-link-closed': ['moved', '-', ''],
    silent: nothing,
    'ask-full-state': refused,
    restart: refused,
    reassign: refused,
    offer: refused,
  },
};

const cells = (Object.keys(transitions) as State[]).flatMap((state) =>
  (Object.keys(transitions[state]) as EventKind[]).map((event) => [state, event] as const),
);

describe('the transition table', () => {
  test('has 3 states and 11 events', () => expect(cells).toHaveLength(33));

  test.each(cells)('%s, %s', (state, event) => {
    const before = rows[state];
    expect(before.state).toBe(state);
    const { session, deliveries, facts } = give(before, columns[event], 1_000_000);
    const [expectedState, answer, factKinds] = expected[state][event];
    expect(facts.map(({ kind }) => kind).join(' ')).toBe(factKinds);
    const said = deliveries.map(({ reply: { uid: _uid, capabilities: _capabilities, ...content } }) => {
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
  expect(facts.map(({ kind }) => kind)).toEqual(['connected', 'capabilities', 'description', 'full-state']);
});

test('every event is recognised in the state that can tell it apart', () => {
  for (const [event, input] of Object.entries(columns)) expect(eventOf(rows.online, input)).toBe(event);
});

test('over HTTP the same link is the same agent, whatever exchange it was', () => {
  const session = after(newSession(uid), message(http, 1));
  expect(eventOf(session, message(http, 2))).toBe('heard');
});
