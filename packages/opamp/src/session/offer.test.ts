import { describe, expect, test } from 'vitest';
import { uidOf } from '../../test/server.ts';
import { attach, encodeRemoteConfig, newSession, type Offer, push, type Reply, type Session } from '../index.ts';

const uid = uidOf(1);
const draft: Reply = { uid };
const remoteConfig = encodeRemoteConfig({ files: [], hash: Uint8Array.of(1) });
const everything: Offer = { remoteConfig, askComponents: true };

const agent = (capabilities: number | undefined): Session => ({ ...newSession(uid), capabilities });

const ACCEPTS_REMOTE_CONFIG = 0x2;
const REPORTS_AVAILABLE_COMPONENTS = 0x4000;

describe('S-068, S-113, S-251: what an agent with one capability gets out of an offer of everything', () => {
  test.each(Array.from({ length: 32 }, (_, bit) => 2 ** bit))('%i', (capability) => {
    const gets = {
      ...(capability === ACCEPTS_REMOTE_CONFIG && { remoteConfig }),
      ...(capability === REPORTS_AVAILABLE_COMPONENTS && { flags: 2 }),
    };
    expect(attach(agent(capability), draft, everything)).toEqual({ uid, ...gets });
  });

  test('everything for who accepts everything', () => {
    expect(attach(agent(0xffff), draft, everything)).toEqual({ uid, remoteConfig, flags: 2 });
  });
});

test('S-276: nothing before the capabilities are known, and the same reference', () => {
  expect(attach(agent(undefined), draft, everything)).toBe(draft);
  expect(attach(agent(0xffff), draft, {})).toBe(draft);
});

test('S-230: nothing is attached to a command or a new uid', () => {
  const command: Reply = { uid, command: 'restart' };
  expect(attach(agent(0xffff), command, everything)).toBe(command);
  const renamed: Reply = { uid, newUid: uidOf(2) };
  expect(attach(agent(0xffff), renamed, everything)).toBe(renamed);
});

test('flags that the session has set stay set', () => {
  expect(attach(agent(0x4000), { uid, flags: 1 }, everything).flags).toBe(3);
});

test('pushed is only what the agent accepts, and only to one that is there', () => {
  const link = { id: 'a', transport: 'websocket' } as const;
  const online = (capabilities: number): Session => ({ ...newSession(uid), state: 'online', link, capabilities });
  expect(push(online(ACCEPTS_REMOTE_CONFIG), everything)).toEqual({ link, reply: { uid, remoteConfig } });
  expect(push(online(0x1), everything)).toBeUndefined();
  expect(push(agent(ACCEPTS_REMOTE_CONFIG), everything)).toBeUndefined();
});
