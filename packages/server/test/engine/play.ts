import type { Violation } from './laws/evidence.ts';
import { type Bias, World } from './world.ts';

/** What one world came to. */
export interface Outcome {
  readonly seed: number;
  /** Of everything that happened: the same seed has the same one. */
  readonly digest: string;
  readonly violation: Violation | undefined;
  readonly world: World;
}

export async function play(seed: number, bias: Bias = {}): Promise<Outcome> {
  const world = new World(seed, bias);
  await world.run();
  return { seed, digest: world.digest(), violation: world.laws.violation, world };
}
