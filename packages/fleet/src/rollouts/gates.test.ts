/** Gates, late joiners and stages that came to nothing: what must neither be skipped nor last for ever. */
import { expect, test } from 'vitest';
import {
  AT_ONCE,
  admitted,
  advanced,
  after,
  around,
  NOW,
  observe,
  promoted,
  proving,
  soaking,
  started,
} from '../../test/rollouts.ts';
import { agent, presence } from '../../test/samples.ts';
import { decide } from './decide.ts';
import type { Placed } from './plan.ts';
import { type StageName, strategyNamed } from './strategy.ts';

const gatedAfter = (stage: StageName) => ({
  ...strategyNamed('careful'),
  gates: [{ after: stage, type: 'manual' as const }],
});

test('a gate behind the last stage stands before the bake', () => {
  const strategy = { ...strategyNamed('all-at-once'), gates: gatedAfter('100%').gates, bake: 60_000 };
  const gate = after(started({ ...AT_ONCE, strategy }), ...proving('a'), soaking, advanced);
  expect(gate.pause).toEqual({ reason: 'gate', message: '100% has passed; the bake is next' });
  expect(after(gate, promoted)).toMatchObject({ state: 'baking', pause: null, watchedUntil: NOW + 60_000 });
});

test('the gate of a stage that has nobody in it stands behind the one before', () => {
  const stages = [
    { name: 'canary', planned: 1, upTo: null },
    { name: '100%', planned: 9, upTo: null },
  ] as const;
  const few = started({ strategy: gatedAfter('5%'), stages, canary: ['c1'] });
  const gate = after(few, ...proving('c1'), soaking, advanced);
  expect(gate.pause?.message).toBe('canary has passed; 9 agents of stage 100% are next');
  expect(after(gate, promoted)).toMatchObject({ state: 'running', stage: 1 });
});

const late = (id: string): Placed => ({
  agent: { ...agent(id), identity: { ...agent(id).identity, group: { name: 'edge', since: NOW + 1 } } },
  presence: presence({}),
});

test('late ones join while those planned are at work, and hold up no stage (I16)', () => {
  const waiting = () => [late('n1')];
  const working = after(started(AT_ONCE), admitted('a'));
  expect(decide(working, around({ waiting }), NOW)).toEqual({
    type: 'admitted',
    agents: [{ agent: 'n1', late: true }],
  });
  const done = after(working, observe('a', 'proven'));
  expect(decide(done, around({ waiting }), NOW)).toEqual({ type: 'soaking', deferred: [] });
});

test('a stage of which nobody is left pauses, and is passed by a person’s word (A.5)', () => {
  const open = after(started(), ...proving('c1', 'c2', 'c3'), soaking, advanced);
  const event = decide(open, around(), NOW);
  expect(event).toMatchObject({ type: 'paused', reason: 'threshold' });
  expect(event && decide(after(open, event, { type: 'resumed' }), around(), NOW)).toMatchObject({ type: 'soaking' });
});
