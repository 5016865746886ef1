/** Whole rollouts over random worlds: fake agents, people, late joiners, restarts of ours, all from one seed. */
import { describe, expect, test } from 'vitest';
import { World } from '../../test/rollout-world.ts';
import { TERMINAL } from './rollout.ts';
import { fold } from './transitions.ts';

const COUNT = Number(process.env['SIMULATION_SEEDS'] ?? 200);
const SEEDS = Array.from({ length: COUNT }, (_, n) => n + 1);
const PATIENT = { timeout: 60_000 + COUNT * 20 };

/** The world of a seed: troubled for a while, then calm. */
function play(seed: number, calm = 4_000): World {
  const world = new World(seed);
  try {
    for (let ticks = 0; ticks < 150; ticks += 1) world.tick(20);
    world.isCalm = true;
    for (let seconds = 0; seconds < calm && isActive(world); seconds += 20) world.tick(20);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  }
  return world;
}

const isActive = ({ rollout: { state } }: World): boolean => !TERMINAL.has(state) && state !== 'paused';

describe('the machine', () => {
  test('holds its bounds over random worlds', PATIENT, () => {
    const ends = new Set(SEEDS.map((seed) => play(seed, 0).rollout.state));
    // A generator that never reaches some of them would try nothing.
    for (const state of ['succeeded', 'rolled-back', 'rolled-back-partial', 'paused', 'stopped-mixed'] as const)
      expect(ends).toContain(state);
  });

  test('ends or pauses, once agents are left alone (I16)', PATIENT, () => {
    for (const seed of SEEDS) {
      const world = play(seed, 3 * 3_600);
      expect(isActive(world), `seed ${seed}: ${world.rollout.state}, stage ${world.rollout.stage}`).toBe(false);
    }
  });

  test('folding the log, read back from JSON, gives the live rollout (I15)', PATIENT, () => {
    for (const seed of SEEDS.slice(0, 60)) {
      const { log, rollout } = play(seed);
      expect(fold(JSON.parse(JSON.stringify(log))), `seed ${seed}`).toEqual(rollout);
      expect(rollout.version).toBe(log.length);
    }
  });

  test('the same seed, the same log (I15)', () => {
    for (const seed of SEEDS.slice(0, 20)) expect(play(seed).log).toEqual(play(seed).log);
  });

  test('an observation folded twice changes no target the second time', () => {
    for (const seed of SEEDS.slice(0, 20)) {
      const { log } = play(seed);
      for (let length = 2; length < log.length; length += 7) {
        const last = log[length - 1];
        if (last?.event.type !== 'observed') continue;
        const once = fold(log.slice(0, length));
        const twice = fold([...log.slice(0, length), last]);
        expect(twice?.counts).toEqual(once?.counts);
        expect(twice?.spent).toEqual(once?.spent);
      }
    }
  });
});
