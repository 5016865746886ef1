import { describe, expect, test } from 'vitest';
import { plan } from './plan.ts';
import { scenario } from './scenario.ts';

const FILE = {
  seed: 7,
  groups: [
    {
      name: 'edge',
      count: 200,
      transport: 'mixed',
      behaviours: [
        { kind: 'reject', count: '10%' },
        { kind: 'clone', count: 2 },
        { kind: 'flapper', count: 2 },
      ],
    },
    { name: 'gateway', count: 50 },
  ],
};
const kinds = (file: object) => plan(scenario(file)).map(({ behaviour }) => behaviour.kind);

describe('a plan', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(plan(scenario(FILE))).toEqual(plan(scenario(FILE)));
    const [one, other] = [plan(scenario(FILE)), plan(scenario({ ...FILE, seed: 8 }))];
    expect(one.map(({ uid }) => uid)).not.toEqual(other.map(({ uid }) => uid));
    expect(kinds(FILE)).not.toEqual(kinds({ ...FILE, seed: 8 }));
  });

  test('gives behaviours to counts and shares', () => {
    const edge = kinds(FILE).slice(0, 200);
    expect(edge.filter((kind) => kind === 'reject').length).toBe(20);
    expect(edge.filter((kind) => kind === 'clone').length).toBe(4);
    expect(edge.filter((kind) => kind === 'flapper').length).toBe(2);
    expect(edge.filter((kind) => kind === 'good').length).toBe(174);
  });

  test('gives clones one uid in pairs, and every other agent its own UUID v7', () => {
    const agents = plan(scenario(FILE));
    const clones = agents.filter(({ behaviour }) => behaviour.kind === 'clone');
    expect(clones.map(({ uid }) => uid)).toEqual([clones[0]?.uid, clones[0]?.uid, clones[2]?.uid, clones[2]?.uid]);
    expect(new Set(agents.map(({ uid }) => uid)).size).toBe(248);
    for (const { uid } of agents) expect(uid).toMatch(/^.{12}7.{3}[89ab]/);
  });

  test('mixes transports, but what needs a socket speaks WebSocket', () => {
    const agents = plan(scenario(FILE));
    const http = agents.filter(({ transport }) => transport === 'http').length;
    expect(http).toBeGreaterThan(60);
    expect(http).toBeLessThan(140);
    const onSockets = agents.filter(({ behaviour }) => ['flapper', 'clone'].includes(behaviour.kind));
    expect(onSockets.map(({ transport }) => transport)).toEqual(new Array(6).fill('websocket'));
  });
});
