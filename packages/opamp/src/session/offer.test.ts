import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { uidOf } from '../../test/server.ts';
import {
  attach,
  ConnectionSettingsOffersSchema,
  CustomCapabilitiesSchema,
  CustomMessageSchema,
  encodeRemoteConfig,
  newSession,
  type Offer,
  PackagesAvailableSchema,
  type Reply,
  type Session,
} from '../index.ts';

const uid = uidOf(1);
const draft: Reply = { uid, capabilities: 7 };
const everything: Offer = {
  remoteConfig: encodeRemoteConfig({ files: [], hash: Uint8Array.of(1) }),
  packagesAvailable: create(PackagesAvailableSchema),
  connectionSettings: create(ConnectionSettingsOffersSchema, {
    hash: Uint8Array.of(2),
    opamp: { destinationEndpoint: 'wss://x' },
    ownTraces: {},
    ownMetrics: {},
    ownLogs: {},
    otherConnections: { a: {} },
  }),
  customMessage: create(CustomMessageSchema, { capability: 'org.example/echo' }),
  askComponents: true,
};

const agent = (capabilities: number | undefined, customCapabilities: string[] = []): Session => ({
  ...newSession(uid),
  capabilities,
  customCapabilities,
});

/** What an agent with one capability gets out of an offer of everything. */
const gates: readonly (readonly [string, number, object])[] = [
  ['ReportsStatus', 0x1, {}],
  ['AcceptsRemoteConfig (S-113)', 0x2, { remoteConfig: everything.remoteConfig }],
  ['ReportsEffectiveConfig', 0x4, {}],
  ['AcceptsPackages', 0x8, { packagesAvailable: everything.packagesAvailable }],
  ['ReportsPackageStatuses', 0x10, {}],
  ['ReportsOwnTraces', 0x20, { connectionSettings: { ownTraces: {} } }],
  ['ReportsOwnMetrics', 0x40, { connectionSettings: { ownMetrics: {} } }],
  ['ReportsOwnLogs', 0x80, { connectionSettings: { ownLogs: {} } }],
  ['AcceptsOpAMPConnectionSettings', 0x100, { connectionSettings: { opamp: { destinationEndpoint: 'wss://x' } } }],
  ['AcceptsOtherConnectionSettings', 0x200, { connectionSettings: { otherConnections: { a: {} } } }],
  ['AcceptsRestartCommand', 0x400, {}],
  ['ReportsHealth', 0x800, {}],
  ['ReportsRemoteConfig', 0x1000, {}],
  ['ReportsHeartbeat (A2)', 0x2000, {}],
  ['ReportsAvailableComponents (S-251)', 0x4000, { flags: 2 }],
  ['ReportsConnectionSettingsStatus', 0x8000, {}],
];

describe('S-068, S-131: the gating matrix', () => {
  test.each(gates)('%s', (_name, bit, expected) => {
    const reply = attach(agent(bit), draft, everything);
    const { uid: _uid, capabilities: _capabilities, ...attached } = reply;
    expect(Object.keys(attached)).toEqual(Object.keys(expected));
    expect(attached).toMatchObject(expected);
    const settings = reply.connectionSettings;
    if (settings === undefined) return;
    const { opamp, ownTraces, ownMetrics, ownLogs } = settings;
    const classes = [opamp, ownTraces, ownMetrics, ownLogs].filter((each) => each !== undefined).length;
    expect(classes + Object.keys(settings.otherConnections).length).toBe(1);
    expect(settings.hash).toEqual(Uint8Array.of(2));
  });

  test('everything for who accepts everything', () => {
    const reply = attach(agent(0xffff, ['org.example/echo']), draft, everything);
    const { askComponents: _asked, ...offered } = everything;
    expect(reply).toEqual({ ...draft, ...offered, flags: 2 });
  });
});

test('S-276: nothing before the capabilities are known, and the same reference', () => {
  expect(attach(agent(undefined), draft, everything)).toBe(draft);
  expect(attach(agent(0xffff), draft, {})).toBe(draft);
});

test('S-236: a custom message only for a listed capability; the list of the server for all', () => {
  expect(attach(agent(0, ['other']), draft, everything)).toBe(draft);
  expect(attach(agent(0, ['org.example/echo']), draft, everything)).toHaveProperty('customMessage');
  const customCapabilities = create(CustomCapabilitiesSchema);
  expect(attach(agent(0), draft, { customCapabilities })).toHaveProperty('customCapabilities', customCapabilities);
});

test('S-053, S-230: nothing is attached to an error, a command or a new uid', () => {
  const command: Reply = { ...draft, command: 'restart' };
  const error: Reply = { ...draft, error: { type: 'unknown', message: '' } };
  expect(attach(agent(0xffff), command, everything)).toBe(command);
  expect(attach(agent(0xffff), error, everything)).toBe(error);
  const renamed: Reply = { ...draft, newUid: uidOf(2) };
  expect(attach(agent(0xffff), renamed, everything)).toBe(renamed);
});

test('flags that the session has set stay set', () => {
  expect(attach(agent(0x4000), { ...draft, flags: 1 }, everything).flags).toBe(3);
});
