import { describe, expect, test } from 'vitest';
import { BROKEN, FIRST, SECOND, UNDECLARED, UNKNOWN } from '../test/configs.ts';
import {
  allComponents,
  effectiveText,
  encoded,
  fullState,
  hashOf,
  newUid,
  restartCommand,
  VirtualAgent,
} from '../test/virtual-agent.ts';

const CRASHED = 'Agent process PID=N exited unexpectedly, exit code=1. Will restart in a bit...';
const FAILED_CRASH = 'Agent exited unexpectedly with exit code 1 while applying configuration';
const TIMEOUT = 'Config apply timeout exceeded';
const SWITCH = ['APPLYING+effective', 'unhealthy', 'effective+healthy', 'healthy tree'];

const started = (group: Record<string, unknown> = {}, settings: Record<string, unknown> = {}) => {
  const virtual = new VirtualAgent(group, settings).run(2_000);
  virtual.said();
  return virtual;
};
const withBehaviour = (behaviour: Record<string, unknown>, group: Record<string, unknown> = {}) =>
  started({ ...group, behaviours: [behaviour] });
const statuses = (virtual: VirtualAgent) =>
  virtual.agent.record.statuses.map(({ hash, status, error }) => {
    return [Buffer.from(hash, 'hex').toString(), status, error].filter((word) => word !== '').join(' ');
  });

describe('the conversation of a Supervisor', () => {
  test('first contact: everything but the list of components, then the collector comes up', () => {
    const virtual = new VirtualAgent({ labels: { role: 'edge' } }).run(2_000);
    const [first] = virtual.sent;
    expect(first?.message).toMatchObject({
      sequenceNum: 0n,
      capabilities: 31815n,
      remoteConfigStatus: { status: 0, lastRemoteConfigHash: new Uint8Array() },
      packageStatuses: {},
    });
    const attributes = first?.message.agentDescription?.nonIdentifyingAttributes.map(({ key }) => key).sort();
    expect(attributes).toEqual(['host.arch', 'host.name', 'os.description', 'os.type', 'role']);
    expect(virtual.said()).toEqual(['description+UNSET+effective+unhealthy+hash', 'effective+healthy', 'healthy tree']);
  });

  test('a push: APPLYING with the old effective config, the new one, APPLIED after the apply timeout', () => {
    const virtual = started();
    virtual.offer('first', FIRST).run(4_999);
    expect(effectiveText(virtual.sent[0]?.message)).not.toContain('otlp/primary');
    expect(effectiveText(virtual.sent[2]?.message)).toContain('otlp/primary');
    expect(virtual.said()).toEqual(SWITCH);
    expect(virtual.run(1).said()).toEqual(['APPLIED']);
    expect(virtual.agent.record).toMatchObject({
      running: hashOf('first'),
      collectorRestarts: 1,
      healthy: true,
    });
  });

  test('the health tree names every component', () => {
    const virtual = started();
    virtual.offer('first', FIRST).run(2_000);
    const health = virtual.sent.at(-1)?.message.health;
    expect(health?.componentHealthMap['pipeline:traces']).toMatchObject({
      status: 'StatusOK',
      componentHealthMap: { 'receiver:otlp': {}, 'processor:batch': {}, 'exporter:otlp/primary': {} },
    });
    expect(health?.componentHealthMap['extensions']?.componentHealthMap).toHaveProperty('extension:opamp');
  });

  test('the same merged text under a new hash, and a resend: APPLIED at once, no restart', () => {
    const virtual = started();
    virtual.offer('first', FIRST).run(6_000).said();
    expect(virtual.offer('other', `# a comment\n${FIRST}`).said()).toEqual(['APPLIED']);
    expect(virtual.offer('other', `# a comment\n${FIRST}`).run(10_000).said()).toEqual([]);
    expect(virtual.agent.record).toMatchObject({
      collectorRestarts: 1,
      timesOffered: { [hashOf('other')]: 2 },
    });
  });

  test('broken YAML: FAILED at once, the collector is left alone', () => {
    const virtual = started();
    expect(virtual.offer('broken', BROKEN).run(10_000).said()).toEqual(['FAILED']);
    expect(statuses(virtual).at(-1)).toBe(
      'broken FAILED yaml: line 11: mapping values are not allowed in this context',
    );
    expect(virtual.agent.record).toMatchObject({ collectorRestarts: 0, healthy: true });
  });

  test('unknown type: exit, FAILED without a reason, a crash loop; a resend is called APPLIED', () => {
    const virtual = started();
    expect(virtual.offer('bad', UNKNOWN).run(1_000).said()).toEqual([
      'APPLYING+effective',
      'unhealthy',
      `unhealthy ${CRASHED}`,
      'FAILED',
    ]);
    expect(statuses(virtual).at(-1)).toBe(`bad FAILED ${FAILED_CRASH}`);
    expect(virtual.run(12_000).said()).toEqual([`unhealthy ${CRASHED}`, `unhealthy ${CRASHED}`]);
    expect(virtual.offer('bad', UNKNOWN).said()).toEqual(['APPLIED']);
    expect(virtual.offer('first', FIRST).run(6_000).said().slice(-3)).toEqual([
      'effective+healthy',
      'healthy tree',
      'APPLIED',
    ]);
  });

  test('with validateConfig: FAILED with the reason of the collector, which keeps running', () => {
    const virtual = started({ validateConfig: true });
    expect(virtual.offer('bad', UNKNOWN).run(10_000).said()).toEqual(['FAILED']);
    expect(statuses(virtual).at(-1)).toMatch(
      /^bad FAILED configuration validation failed: .*'exporters' unknown type: "otlpp" for id: "otlpp\/x" \(valid values: \[/s,
    );
    virtual.offer('worse', UNDECLARED);
    expect(statuses(virtual).at(-1)).toContain(
      'Error: service::pipelines::traces: references processor "nope" which is not configured\n',
    );
  });

  test('an empty config map stops the collector: APPLIED, healthy, the previous effective config', () => {
    const virtual = started();
    virtual.offer('first', FIRST).run(6_000).said();
    expect(virtual.offer('none').run(6_000).said()).toEqual([
      'APPLYING+effective',
      'unhealthy',
      'effective',
      'APPLIED+healthy',
    ]);
    expect(virtual.say(restartCommand).run(5_000).said()).toEqual([]);
    expect(virtual.agent.record.running).toBeUndefined();
    expect(virtual.offer('first', FIRST).run(6_000).said()).toEqual([
      'APPLYING+effective',
      'effective+healthy',
      'healthy tree',
      'APPLIED',
    ]);
  });

  test('no pipelines: idle and healthy', () => {
    const virtual = started();
    virtual.offer('first', FIRST).run(6_000).said();
    expect(virtual.offer('idle', '').run(6_000).said()).toEqual([...SWITCH, 'APPLIED']);
  });

  test('two pushes within the window: only the newest gets a verdict', () => {
    const virtual = started();
    virtual.offer('first', FIRST).run(3_000).offer('second', SECOND).run(10_000);
    expect(statuses(virtual)).toEqual(['UNSET', 'first APPLYING', 'second APPLYING', 'second APPLIED']);
  });

  test('no hash: the configuration runs, but no status can be reported', () => {
    const virtual = started();
    virtual.sayBytes(Buffer.from('1a0a0a080a060a0012020a00', 'hex')).run(10_000);
    expect(virtual.said()).not.toContain('APPLYING');
    expect(virtual.agent.record.offers).toMatchObject([{ hash: '' }]);
  });

  test('entries merge in the order of their names, the one without name last', () => {
    const virtual = started();
    const file = (name: string, timeout: string) => ({
      name,
      body: Buffer.from(`processors: { batch: { timeout: ${timeout} } }`),
    });
    virtual.offer('three', file('b', '2s'), file('', '3s'), file('a', '1s')).run(2_000);
    expect(effectiveText(virtual.sent[2]?.message)).toContain('timeout: 3s');
  });

  test('full state and components when asked for, and only then', () => {
    const virtual = started();
    expect(virtual.say(fullState).said()).toEqual(['description+UNSET+effective+healthy tree+components']);
    expect(virtual.say(allComponents).said()).toEqual(['components']);
    expect(virtual.say({}).said()).toEqual([]);
    expect(virtual.agent.record.fullStateRequests).toBe(1);
  });

  test('the restart command is obeyed alone: the rest of its message is ignored', () => {
    const virtual = started();
    virtual.sayBytes(Buffer.concat([encoded(restartCommand), encoded(fullState)])).run(3_000);
    expect(virtual.said()).toEqual(['unhealthy', 'effective+healthy', 'healthy tree']);
    expect(virtual.agent.record).toMatchObject({ restartCommands: 1, collectorRestarts: 1 });
  });

  test('a new uid is used from then on, and restarts the collector', () => {
    const virtual = started();
    const uid = '00112233445566778899aabbccddeeff';
    virtual.say(newUid(uid)).run(6_000);
    expect(virtual.sent.map(({ message }) => Buffer.from(message.instanceUid).toString('hex'))).toEqual(
      virtual.sent.map(() => uid),
    );
    expect(effectiveText(virtual.sent[2]?.message)).toContain('instance_uid: 00112233-4455-6677-8899-aabbccddeeff');
    expect(virtual.agent.record.uid).toBe('00112233-4455-6677-8899-aabbccddeeff');
  });
});

test('a new uid restarts nothing while a refused configuration is the last one received', () => {
  const virtual = started({ validateConfig: true });
  virtual
    .offer('bad', UNKNOWN)
    .say(newUid('0f'.repeat(16)))
    .run(10_000);
  expect(virtual.said()).toEqual(['FAILED', 'description']);
  expect(virtual.agent.record.running).toBeUndefined();
});

describe('the link of opamp-go', () => {
  test('a heartbeat every 30 s after the last message; none when the scenario says 0', () => {
    expect(started().run(60_000).said()).toEqual(['heartbeat', 'heartbeat']);
    expect(started({}, { heartbeat: '0s' }).run(600_000).said()).toEqual([]);
  });

  test('a reconnect is immediate and sends only what is pending, with the next number', () => {
    const virtual = started();
    virtual.turn((agent) => agent.client.lost());
    expect(virtual.sent).toMatchObject([{ at: 2_000, message: { sequenceNum: 3n } }]);
    expect(virtual.said()).toEqual(['heartbeat']);
  });

  test('what happened while the server was away is one message', () => {
    const virtual = started();
    virtual.offer('first', FIRST).said();
    virtual.reachable = false;
    virtual.turn((agent) => agent.client.lost()).run(120_000);
    virtual.reachable = true;
    virtual.run(120_000);
    expect(virtual.said().filter((message) => message !== 'heartbeat')).toEqual(['APPLIED+effective+healthy tree']);
  });

  test('back-off: at once, then 0.5 s and half as much again each time, half of it random, 60 s at most', () => {
    const virtual = new VirtualAgent();
    virtual.reachable = false;
    virtual.run(600_000);
    const dials = virtual.asked.filter(({ what }) => what === 'connect').map(({ at }) => at);
    expect(dials[0]).toBe(0);
    dials.slice(1).forEach((at, i) => {
      const base = Math.min(500 * 1.5 ** i, 60_000);
      const waited = at - (dials[i] ?? 0);
      expect(waited).toBeGreaterThanOrEqual(base * 0.5);
      expect(waited).toBeLessThanOrEqual(base * 1.5);
    });
    expect(dials.length).toBeGreaterThan(12);
  });

  test('Retry-After is honoured when it is longer', () => {
    const virtual = new VirtualAgent();
    virtual.reachable = false;
    virtual.retryAfterMs = 20_000;
    virtual.run(0);
    virtual.reachable = true;
    expect(virtual.run(19_999).sent).toEqual([]);
    expect(virtual.run(1).said().length).toBe(1);
  });

  test('a stop says goodbye and closes; over HTTP it ends without a word', () => {
    const virtual = started();
    expect(virtual.turn((agent) => agent.stop()).said()).toEqual(['unhealthy Supervisor is shutdown+goodbye']);
    expect(virtual.asked.at(-1)).toMatchObject({ what: 'close' });
    expect(virtual.run(100_000).said()).toEqual([]);
    const polling = started({ transport: 'http' });
    expect(polling.turn((agent) => agent.stop()).said()).toEqual([]);
  });

  test('HTTP: one request at a time, changes merge behind it, a flag is answered by a POST at once', () => {
    const virtual = started({ transport: 'http' }, { heartbeat: '10s' });
    virtual.roundTrip = 3_000;
    virtual.offer('first', FIRST).run(30_000);
    const said = virtual.said().filter((message) => message !== 'heartbeat');
    expect(said).toEqual(['APPLYING+effective', 'effective+healthy tree', 'APPLIED']);
    virtual.roundTrip = 1;
    virtual.say(fullState).run(10_000);
    const at = virtual.sent.findIndex(({ message }) => message.agentDescription !== undefined);
    expect((virtual.sent[at]?.at ?? 0) - (virtual.sent[at - 1]?.at ?? 0)).toBe(1);
  });

  test('HTTP: a refused request is repeated as it was until it is answered', () => {
    const virtual = started({ transport: 'http' }, { heartbeat: '10s' });
    virtual.reachable = false;
    virtual.run(60_000);
    const numbers = new Set(virtual.sent.map(({ message }) => message.sequenceNum));
    expect(virtual.sent.length).toBeGreaterThan(4);
    expect(numbers.size).toBe(1);
    virtual.reachable = true;
    virtual.run(120_000);
    expect(new Set(virtual.sent.map(({ message }) => message.sequenceNum)).size).toBeGreaterThan(5);
  });
});

describe('behaviours', () => {
  test('reject: its own words, nothing restarts, and only for the component', () => {
    const virtual = withBehaviour({
      kind: 'reject',
      component: 'otlp/secondary',
      message: 'not allowed here',
    });
    virtual.offer('first', FIRST).run(6_000).offer('second', SECOND).run(10_000);
    expect(statuses(virtual)).toEqual(['UNSET', 'first APPLYING', 'first APPLIED', 'second FAILED not allowed here']);
    expect(virtual.agent.record).toMatchObject({ running: hashOf('first'), collectorRestarts: 1 });
  });

  test('crash while starting; crash later, which leaves APPLIED standing', () => {
    const early = withBehaviour({ kind: 'crash' });
    early.offer('first', FIRST).run(20_000);
    expect(statuses(early).at(-1)).toBe(`first FAILED ${FAILED_CRASH}`);
    expect(early.agent.record.crashes).toBeGreaterThan(2);
    const late = withBehaviour({ kind: 'crash', after: '10s', exitCode: 137 });
    late.offer('first', FIRST).run(20_000);
    expect(statuses(late).at(-1)).toBe('first APPLIED');
    expect(late.said()).toContain(
      'unhealthy Agent process PID=N exited unexpectedly, exit code=137. Will restart in a bit...',
    );
  });

  test('crash: a collector that is stopped meanwhile stays stopped', () => {
    const virtual = withBehaviour({ kind: 'crash', after: '4s' });
    virtual.offer('first', FIRST).run(4_800).offer('none').run(20_000);
    expect(virtual.agent.record).toMatchObject({ crashes: 0, running: undefined });
    expect(statuses(virtual).at(-1)).toBe('none APPLIED');
  });

  test('slow: the timeout is exceeded, and being healthy later corrects nothing', () => {
    const virtual = withBehaviour({ kind: 'slow', restartTime: '8s' });
    virtual.offer('first', FIRST).run(20_000);
    expect(virtual.said()).toEqual(['APPLYING+effective', 'unhealthy', 'FAILED', 'effective+healthy', 'healthy tree']);
    expect(statuses(virtual).at(-1)).toBe(`first FAILED ${TIMEOUT}`);
  });

  test('rollback: FAILED for the new hash, after another timeout APPLIED for the old one', () => {
    const virtual = withBehaviour({ kind: 'rollback', component: 'otlp/secondary' });
    virtual.offer('first', FIRST).run(6_000).offer('second', SECOND).run(20_000);
    expect(statuses(virtual).slice(3)).toEqual(['second APPLYING', `second FAILED ${FAILED_CRASH}`, 'first APPLIED']);
    expect(virtual.agent.record).toMatchObject({ running: hashOf('first'), healthy: true, crashes: 1 });
  });

  test('fallback: FAILED for the new hash, and nothing said of the old one, which runs; offered, it is APPLIED at once', () => {
    const virtual = withBehaviour({ kind: 'fallback', component: 'otlp/secondary' });
    virtual.offer('first', FIRST).run(6_000).offer('second', SECOND).run(20_000);
    expect(statuses(virtual).slice(3)).toEqual(['second APPLYING', `second FAILED ${FAILED_CRASH}`]);
    expect(virtual.agent.record).toMatchObject({ running: hashOf('first'), healthy: true, crashes: 1 });
    virtual.offer('first', FIRST).run(1);
    expect(statuses(virtual).at(-1)).toBe('first APPLIED');
  });

  test('rollback without component takes the first configuration and no other', () => {
    const virtual = withBehaviour({ kind: 'rollback' });
    virtual.offer('first', FIRST).run(6_000).offer('second', SECOND).run(20_000);
    expect(statuses(virtual).at(-1)).toBe('first APPLIED');
  });

  test('liar: APPLIED, but the effective config is the old one', () => {
    const virtual = withBehaviour({ kind: 'liar', component: 'otlp/secondary' });
    virtual.offer('first', FIRST).run(6_000).offer('second', SECOND).run(6_000);
    expect(statuses(virtual).at(-1)).toBe('second APPLIED');
    virtual.say(fullState);
    expect(effectiveText(virtual.sent.at(-1)?.message)).toContain('otlp/primary');
    expect(effectiveText(virtual.sent.at(-1)?.message)).not.toContain('otlp/secondary');
    expect(virtual.agent.record.running).toBe(hashOf('first'));
  });

  test('unhealthy: APPLIED, then no longer healthy', () => {
    const virtual = withBehaviour({ kind: 'unhealthy', after: '7s', message: 'queue is full' });
    virtual.offer('first', FIRST).run(11_999).said();
    expect(virtual.run(1).said()).toEqual(['unhealthy tree queue is full']);
    expect(statuses(virtual).at(-1)).toBe('first APPLIED');
  });

  test('flapper: drops its connection and is back after a while', () => {
    const virtual = withBehaviour({ kind: 'flapper', every: '4s', down: '1s' });
    virtual.run(20_000);
    const drops = virtual.asked.filter(({ what }) => what === 'drop').map(({ at }) => at);
    expect(drops).toEqual([4_000, 9_000, 14_000, 19_000]);
    expect(virtual.agent.record.connections).toBe(5);
  });

  test('silent: takes the offer, goes on with heartbeats', () => {
    const virtual = withBehaviour({ kind: 'silent' });
    expect(virtual.offer('first', FIRST).run(60_000).said()).toEqual(['heartbeat', 'heartbeat']);
    expect(virtual.agent.record.timesOffered).toEqual({ [hashOf('first')]: 1 });
  });

  test('die: gone without a word; released, it says APPLYING of what it died with, and takes another configuration', () => {
    const virtual = withBehaviour({ kind: 'die', component: 'otlp/secondary' });
    virtual.offer('first', FIRST).run(6_000).said();
    expect(virtual.offer('second', SECOND).run(100_000).said()).toEqual([]);
    expect(virtual.agent.record).toMatchObject({ connected: false, running: undefined, healthy: false });
    expect(virtual.turn((agent) => agent.release()).said()).toEqual(['APPLYING+unhealthy']);
    virtual.offer('third', FIRST).run(6_000);
    expect(statuses(virtual).at(-1)).toBe('third APPLIED');
    expect(virtual.agent.record).toMatchObject({ running: hashOf('third'), healthy: true });
  });

  test('slow-reader: stops reading', () => {
    const virtual = withBehaviour({ kind: 'slow-reader', after: '1s' });
    expect(virtual.asked).toContainEqual({ at: 1_000, what: 'stopReading' });
  });

  test('missing capabilities are missing, and nothing is done that needs them', () => {
    const mute = withBehaviour({ kind: 'no-status' });
    mute.offer('first', FIRST).run(10_000);
    expect(mute.said()).toEqual(['effective', 'unhealthy', 'effective+healthy', 'healthy tree']);
    const deaf = withBehaviour({ kind: 'no-remote-config' });
    expect(deaf.offer('first', FIRST).run(10_000).said()).toEqual([]);
    expect(deaf.agent.record.offers).toEqual([]);
    const hidden = withBehaviour({ kind: 'no-effective' });
    hidden.offer('first', FIRST).run(10_000);
    expect(hidden.said()).toEqual(['APPLYING', 'unhealthy', 'healthy', 'healthy tree', 'APPLIED']);
  });

  test('offline-until: comes when its time has come, or when it is released', () => {
    const timed = new VirtualAgent({ behaviours: [{ kind: 'offline-until', until: '60s' }] });
    expect(timed.run(59_999).said()).toEqual([]);
    expect(timed.run(1).said()).toEqual(['description+UNSET+effective+healthy tree+hash']);
    const released = new VirtualAgent({ behaviours: [{ kind: 'offline-until' }] }).run(100_000);
    expect(released.agent.record.connected).toBe(false);
    expect(released.said()).toEqual([]);
    expect(released.turn((agent) => agent.release()).said()).toEqual(['description+UNSET+effective+healthy tree+hash']);
  });

  test('instant: four messages at once', () => {
    const virtual = withBehaviour({ kind: 'instant' });
    expect(virtual.offer('first', FIRST).said()).toEqual(['APPLYING', 'healthy tree', 'effective', 'APPLIED']);
    expect(virtual.agent.record).toMatchObject({ running: hashOf('first'), collectorRestarts: 0 });
  });
});

test('timeScale shortens what happens inside, not the heartbeats', () => {
  const virtual = new VirtualAgent({}, { timeScale: 0.01 }).run(100);
  virtual.said();
  virtual.offer('first', FIRST).run(50);
  expect(virtual.said()).toEqual([...SWITCH, 'APPLIED']);
  expect(virtual.run(29_000).said()).toEqual([]);
});
