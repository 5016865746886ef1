/** kill -9 of the real program at random moments of pushes (I3, I5, I10, R2, R28). */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type Client } from '@flaghoist/api';
import { applied, applying, edge, LabAgent, story, until } from '../lab.ts';
import { Program } from '../program.ts';
import { type Random, randomOf } from '../random.ts';
import { expectLogged, expectNothingTwice, type Witness } from './evidence.ts';

const WEBSOCKET_AGENTS = 12;
const HTTP_AGENTS = 3;
/** A kill comes within this time of what it waits for. */
const SOON_MS = 15;
/** So much later than it got a configuration an agent runs it, at most. */
const APPLY_MS = 40;
/** A start takes longer than this; one of five is killed within it. */
const START_MS = 400;

/** How far pushes had got when the kill came. */
export interface Tally {
  beforeSaved: number;
  beforeStarted: number;
  beforeReceived: number;
  amongAgents: number;
  afterReceived: number;
  whileStarting: number;
}

/** An agent that takes a while to apply, over WebSocket. */
function busyAgent(server: Program, random: Random): LabAgent {
  const agent: LabAgent = new LabAgent(
    { server },
    {
      ...edge,
      outcome: (config) => {
        setTimeout(() => {
          if (agent.offers.at(-1) !== config) return;
          for (const state of applied(config)) agent.send(agent.change(state));
        }, random() * APPLY_MS);
        return applying(config);
      },
    },
  );
  return agent;
}

/** Polls until it is told to stop, whether there is a server or not. */
function pollingAgent(server: Program, done: AbortSignal): LabAgent {
  const agent = new LabAgent({ server }, edge);
  const poll = async (): Promise<void> => {
    await agent.pollOverHttp(agent.start()).catch(() => undefined);
    while (!done.aborted) {
      await sleep(25);
      await agent.pollOverHttp().catch(() => undefined);
    }
  };
  void poll();
  return agent;
}

/** Asks until there is an answer: whether the question of before was heard is for the idempotency key to say. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 'unreachable')) throw error;
      await sleep(10);
    }
  }
}

/** What was acknowledged of one push. */
interface Push {
  readonly body: string;
  number?: number;
  hash?: string;
  rollout?: string;
}

async function push(client: () => Client, key: string, acknowledged: Push): Promise<void> {
  const { body } = acknowledged;
  const revision = { files: { '': { body } }, message: key };
  const saved = await insist(() => client().createRevision({ name: 'edge', idempotencyKey: key, body: revision }));
  Object.assign(acknowledged, { number: saved.number, hash: saved.hash });
  const request = { group: 'edge', configuration: 'edge', revision: saved.number, message: key, supersede: true };
  const { rollouts } = await insist(() => client().startRollout({ idempotencyKey: key, body: request }));
  acknowledged.rollout = rollouts[0]?.id ?? 'none';
}

/** Everything that was acknowledged is there, and nothing twice. */
async function expectKept(client: Client, pushes: readonly Push[]): Promise<void> {
  for (const { number, body, hash, rollout } of pushes) {
    if (number !== undefined) {
      const kept = await client.getRevision({ name: 'edge', revision: String(number) });
      assert.deepEqual([kept.hash, kept.files['']?.body], [hash, body]);
    }
    if (rollout !== undefined) assert.equal((await client.getRollout({ id: rollout })).target.hash, hash);
  }
}

export async function killDuringPushes({ kills, seed }: Record<'kills' | 'seed', number>): Promise<Tally> {
  const random = randomOf(seed);
  await using server = await Program.create();
  await server.start();
  await server.client.putConfiguration({ name: 'edge', body: {} });
  await server.client.putGroup({
    name: 'edge',
    body: { selector: 'role=edge', configuration: 'edge', strategy: 'all-at-once' },
  });
  const done = new AbortController();
  using _ = { [Symbol.dispose]: () => done.abort() };
  const sockets = Array.from({ length: WEBSOCKET_AGENTS }, () => busyAgent(server, random));
  const agents = [...sockets, ...Array.from({ length: HTTP_AGENTS }, () => pollingAgent(server, done.signal))];
  await Promise.all(sockets.map((agent) => agent.connect()));
  await until(
    () => server.client.getGroup({ name: 'edge' }),
    (group) => group.agents === agents.length,
  );

  const tally: Tally = {
    beforeSaved: 0,
    beforeStarted: 0,
    beforeReceived: 0,
    amongAgents: 0,
    afterReceived: 0,
    whileStarting: 0,
  };
  const pushes: Push[] = [];
  const converged = async ({ hash }: Push, rollout: string): Promise<void> => {
    const ended = await until(
      () => server.client.getRollout({ id: rollout }),
      ({ state }) => state !== 'running',
      30_000,
    );
    const { state, counts } = ended;
    assert.deepEqual([state, counts.proven, counts.failed], ['succeeded', agents.length, 0]);
    const last = agents.map(({ hashes }) => hashes.at(-1));
    assert.deepEqual(new Set(last), new Set([hash]));
  };

  for (let count = 1; count <= kills; count += 1) {
    const since = new Map<Witness, number>(agents.map((agent) => [agent, agent.hashes.length]));
    const one: Push = { body: `# ${seed} ${count}\n${story()}` };
    pushes.push(one);
    const pushed = push(() => server.client, `${seed}-${count}`, one);
    await untilSomewhere(one, agents, random);
    await server.kill();
    tally[phaseOf(one, agents)] += 1;
    if (random() < 0.2) {
      const started = server.start();
      await sleep(random() * START_MS);
      await server.kill();
      await started;
      tally.whileStarting += 1;
    }
    await until(
      () => sockets.every(({ closeCode }) => closeCode !== undefined),
      (gone) => gone,
    );
    await expectLogged(server.directory, agents, since);
    assert.ok(await server.start());
    await Promise.all(sockets.map((agent) => agent.reconnect()));
    await pushed;
    await expectKept(server.client, pushes.slice(-10));
    if (count % 10 === 0 || count === kills) await converged(one, one.rollout ?? '');
  }
  expectNothingTwice(agents);
  const { latest } = await server.client.getConfiguration({ name: 'edge' });
  assert.equal(latest, kills);
  for (const agent of sockets) agent.drop();
  return tally;
}

/** Somewhere in a push, evenly over how far it can be rather than over time, which depends on the machine. */
async function untilSomewhere(one: Push, agents: readonly LabAgent[], random: Random): Promise<void> {
  const isEarly = random() < 0.4;
  const stop = isEarly ? Math.floor(random() * 3) : 3 + Math.floor(random() * (agents.length + 1));
  const reached = [
    () => true,
    () => one.number !== undefined,
    () => one.rollout !== undefined,
    ...agents.map((_, count) => () => receivers(one, agents) > count),
  ];
  const end = performance.now() + 5_000;
  while (!(reached[stop] ?? (() => receivers(one, agents) === agents.length))()) {
    if (performance.now() > end) break;
    await sleep(0);
  }
  if (random() < 0.5) await sleep(random() * SOON_MS);
}

const receivers = ({ body }: Push, agents: readonly LabAgent[]): number =>
  agents.filter(({ offers }) => Buffer.from(offers.at(-1)?.config?.configMap['']?.body ?? []).equals(Buffer.from(body)))
    .length;

function phaseOf(one: Push, agents: readonly LabAgent[]): keyof Tally {
  const received = receivers(one, agents);
  if (received === 0 && one.number === undefined) return 'beforeSaved';
  if (received === 0 && one.rollout === undefined) return 'beforeStarted';
  return received === 0 ? 'beforeReceived' : received < agents.length ? 'amongAgents' : 'afterReceived';
}
