import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BROKEN, FIRST, SECOND, UNDECLARED, UNKNOWN } from '../test/configs.ts';
import { allComponents, fullState, hashOf, newUid, restartCommand, VirtualAgent } from '../test/virtual-agent.ts';
import { BEHAVIOURS, type BehaviourKind } from './behaviour.ts';

const CONFIGS = {
  first: FIRST,
  second: SECOND,
  unknown: UNKNOWN,
  undeclared: UNDECLARED,
  broken: BROKEN,
  idle: '',
};
const hashes = Object.keys(CONFIGS) as (keyof typeof CONFIGS)[];

const deed = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('offer' as const), hash: fc.constantFrom(...hashes) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('run' as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
  },
  fc
    .constantFrom(
      ...(['stop-collector', 'full', 'components', 'restart', 'uid', 'close', 'lose', 'return', 'release'] as const),
    )
    .map((name) => ({ do: name })),
);
type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never;

function act(virtual: VirtualAgent, what: Deed): void {
  if (what.do === 'offer') virtual.offer(what.hash, CONFIGS[what.hash]);
  else if (what.do === 'run') virtual.run(what.ms);
  else if (what.do === 'stop-collector') virtual.offer('none');
  else if (what.do === 'full') virtual.say(fullState);
  else if (what.do === 'components') virtual.say(allComponents);
  else if (what.do === 'restart') virtual.say(restartCommand);
  else if (what.do === 'uid') virtual.say(newUid('0f'.repeat(16)));
  else if (what.do === 'close') virtual.turn((agent) => agent.client.lost());
  else if (what.do === 'release') virtual.turn((agent) => agent.release());
  else virtual.reachable = what.do === 'return';
}

const life = fc.record({
  kind: fc.constantFrom(...(Object.keys(BEHAVIOURS) as BehaviourKind[]).filter((kind) => kind !== 'clone')),
  transport: fc.constantFrom('websocket' as const, 'http' as const),
  validateConfig: fc.boolean(),
  seed: fc.integer({ min: 0, max: 1000 }),
  deeds: fc.array(deed, { maxLength: 30 }),
});

function live({ kind, transport, validateConfig, seed, deeds }: typeof life extends fc.Arbitrary<infer T> ? T : never) {
  const virtual = new VirtualAgent({ transport, validateConfig, behaviours: [{ kind }] }, { seed });
  for (const what of deeds) {
    // Some behaviours have a transport of their own. Over WebSocket nothing arrives while there is no connection.
    const needsLink = what.do !== 'run' && what.do !== 'lose' && what.do !== 'return' && what.do !== 'release';
    if (needsLink && virtual.transport === 'websocket' && !virtual.agent.record.connected) continue;
    if (what.do === 'close' && virtual.transport === 'http') continue;
    act(virtual, what);
  }
  return virtual.run(40_000);
}

test('SIM1 numbers: each report has the number after the last one; only a repeated POST has it again', () => {
  fc.assert(
    fc.property(life, (about) => {
      const virtual = live(about);
      const numbers = virtual.sent.map(({ message }) => Number(message.sequenceNum));
      numbers.forEach((number, i) => {
        const last = numbers[i - 1] ?? -1;
        const allowed = virtual.transport === 'http' ? [last, last + 1] : [last + 1];
        expect(allowed).toContain(number);
      });
    }),
  );
});

test('SIM2 requests: never two at a time (VirtualAgent throws), and the link is used only when it is open', () => {
  fc.assert(
    fc.property(life, (about) => {
      let open = false;
      for (const { what } of live(about).asked) {
        if (what === 'connect') open = true;
        if (what === 'drop' || what === 'close') open = false;
        if (what === 'send') expect(open).toBe(true);
      }
    }),
  );
});

test('SIM3 statuses: only for hashes that were received, APPLYING only after an offer, none twice in a row', () => {
  fc.assert(
    fc.property(life, (about) => {
      const { agent } = live(about);
      const { statuses, timesOffered } = agent.record;
      for (const [i, { hash, status, error }] of statuses.entries()) {
        if (status === 'UNSET') expect(hash).toBe('');
        else expect(timesOffered[hash] ?? 0).toBeGreaterThan(0);
        expect(error !== '').toBe(status === 'FAILED');
        const last = statuses[i - 1];
        expect(last?.hash === hash && last.status === status && last.error === error).toBe(false);
      }
    }),
  );
});

test('SIM4 every report has uid and capabilities; the first one has the whole state', () => {
  fc.assert(
    fc.property(life, (about) => {
      const { sent } = live(about);
      for (const { message } of sent) {
        expect(message.instanceUid.length).toBe(16);
        expect(message.capabilities).toBeGreaterThan(0n);
        if (message.sequenceNum === 0n)
          expect(message).toMatchObject({ agentDescription: {}, health: {}, effectiveConfig: {} });
      }
    }),
  );
});

test('SIM5 what it says that it runs is what it was offered: never a hash that was not, never a broken one', () => {
  const bad = ['broken', 'unknown', 'undeclared', 'none'].map(hashOf);
  fc.assert(
    fc.property(life, (about) => {
      // Profile `instant` applies whatever it is given.
      fc.pre(about.kind !== 'instant');
      const { running, timesOffered } = live(about).agent.record;
      if (running === undefined) return;
      expect(timesOffered[running] ?? 0).toBeGreaterThan(0);
      expect(bad).not.toContain(running);
    }),
  );
});

test('SIM6 the same seed and events give the same bytes', () => {
  fc.assert(
    fc.property(life, (about) => {
      expect(live(about).sent).toEqual(live(about).sent);
    }),
    { numRuns: 30 },
  );
});
