/** What a world begins with: one configuration with its revisions, its groups, and the agents in them. */
import type { ConfigFiles, Group, Revision, RevisionRef } from '@flaghoist/fleet';
import { newUuidV7 } from '@flaghoist/opamp';
import { hashOf } from '../../src/gateway/wire.ts';
import type { Change } from '../../src/storage/store.ts';
import { SimulatedAgent } from './agent/agent.ts';
import { HABITS, type Nature, VICES } from './agent/nature.ts';
import { SECOND, START } from './timeline.ts';
import type { World } from './world.ts';

/** The texts of a revision; the same in all worlds, so that they are understood once. */
const text = (number: number): string => `receivers:
  otlp:
exporters:
  debug/${number}:
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [debug/${number}]
`;
const LOCAL =
  'receivers:\n  nop:\nexporters:\n  nop:\nservice:\n  pipelines:\n    traces:\n      receivers: [nop]\n      exporters: [nop]\n';

const REVISIONS = Array.from({ length: 6 }, (_, n) => {
  const files: ConfigFiles = { '': { body: text(n + 1), contentType: 'text/yaml' } };
  return { number: n + 1, files, hash: hashOf(files) };
});
const TEXTS = new Map(REVISIONS.map(({ hash, number }) => [hash, text(number)]));

/** What a collector shows that runs this; its own local text while it runs nothing of ours. */
export const textOf = (hash: string): string => TEXTS.get(hash) ?? LOCAL;

const refOf = (number: number): RevisionRef => ({
  configuration: 'edge',
  revision: number,
  hash: REVISIONS[number - 1]?.hash ?? '',
});

/** Of the groups and the agents in them. In half of the worlds the agents have run revision 1 for long. */
export function furnish(world: World): void {
  const { dice } = world;
  const isSettled = world.habits.blight || dice.chance(0.5);
  const { blight } = world.habits;
  const roles = !blight && dice.chance(0.5) ? ['edge', 'core'] : ['edge'];
  world.database.write([...configuration(), ...roles.map((role) => group(role, isSettled ? refOf(1) : null))]);
  // Most worlds are small; now and then one has more agents than stages need, and a blight needs many that are well.
  const isLarge = dice.chance(0.05);
  const count = blight ? dice.int(24, 32) : isLarge ? dice.int(12, 24) : dice.int(2, 9);
  for (let n = 0; n < count; n += 1) addAgent(world, n, roles, isSettled ? refOf(1).hash : '');
}

function configuration(): Change[] {
  const by = { createdAt: START, createdBy: 'ops' };
  return [
    { kind: 'configuration', row: { name: 'edge', description: '', ...by } },
    ...REVISIONS.map(({ number, files, hash }): Change => {
      const told = { parent: null, createdAt: START, bytes: 1, author: 'ops', message: '' };
      const row: Revision = { configuration: 'edge', number, hash, ...told };
      return { kind: 'revision', row, files };
    }),
  ];
}

function group(name: string, stable: RevisionRef | null): Change {
  const row: Group = {
    name,
    selector: `role=${name}`,
    priority: 0,
    configuration: 'edge',
    strategy: 'all-at-once',
    stable,
    previous: [],
    condemned: [],
    createdAt: START,
  };
  return { kind: 'group', row };
}

function addAgent(world: World, n: number, roles: readonly string[], runs: string): void {
  const { agents, dice, timeline } = world;
  const uid = newUuidV7(START + n, dice.bytes(10));
  const nature = natureOf(world, n);
  const agent = new SimulatedAgent(world, nature, uid, dice.pick(roles) ?? 'edge', runs);
  agents.push(agent);
  // Some come late (I6).
  timeline.after(!world.habits.blight && dice.chance(0.25) ? dice.int(10, 200) * SECOND : dice.int(0, 3) * SECOND, () =>
    agent.start(),
  );
  if (!dice.chance(0.03)) return;
  // The disk of its host was copied.
  const clone = new SimulatedAgent(world, { ...nature, name: `${nature.name}'` }, uid, agent.role, runs);
  agents.push(clone);
  timeline.after(dice.int(5, 100) * SECOND, () => clone.start());
}

function natureOf({ bias, dice, habits }: World, n: number): Nature {
  const isPlain = habits.blight || dice.chance(0.7);
  return {
    name: `agent-${n}`,
    vice: bias.vice ?? dice.pick(VICES) ?? 'refuses',
    habit: isPlain ? 'usual' : (dice.pick(HABITS) ?? 'usual'),
    transport: !habits.blight && dice.chance(0.3) ? 'http' : 'websocket',
    heartbeat: dice.int(10, 30) * SECOND,
    verdictAfter: dice.pick([2, 5, 10]) * SECOND,
    thinks: dice.int(1, 500),
    restarts: dice.int(200, 4_000),
  };
}

/** By revision: whom it is bad for. */
export class Badness {
  readonly #world: World;
  readonly #shares: readonly number[];
  readonly #known = new Map<string, boolean>();

  constructor(world: World) {
    this.#world = world;
    const { bias, dice } = world;
    this.#shares = REVISIONS.map((_, n) =>
      n === 0 || world.habits.blight ? 0 : dice.pick(bias.bad ? [0.5, 1] : [0, 0, 0.3, 1]),
    );
  }

  isBad(hash: string, { nature }: SimulatedAgent): boolean {
    const number = REVISIONS.findIndex((revision) => revision.hash === hash);
    const key = `${number} ${nature.name}`;
    const known = this.#known.get(key) ?? this.#world.dice.chance(this.#shares[number] ?? 0);
    this.#known.set(key, known);
    return known;
  }
}
