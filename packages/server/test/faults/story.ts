/** A story in which a server does everything that it can to rollouts, within seconds: what failpoints are passed in. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '@flaghoist/api';
import { applied, applying, edge, failed, LabAgent, story, until } from '../lab.ts';
import type { Program } from '../program.ts';
import { Receiver } from '../receiver.ts';

const AGENTS = 6;
/** The only one of these stages in which a bad revision gets to anybody. */
export const CANARY = 1;

type Overrides = NonNullable<Parameters<Client['startRollout']>[0]['body']['overrides']>;

const STAGED: Overrides = {
  stages: ['canary', '50%', '100%'],
  canary: { size: CANARY, min: CANARY, max: CANARY },
  minHealthyTime: '0s',
  soak: { canary: '50ms', stage: '50ms' },
  bake: '50ms',
  maxInFlight: 2,
};

const BROKEN = '# broken';
const SLOW = '# slow';
const DEAF = '# deaf';

/** Refuses what is broken, takes its time with what is slow, and says nothing to some. */
function newAgent(server: Program): LabAgent {
  const agent: LabAgent = new LabAgent(
    { server },
    {
      ...edge,
      outcome: (config) => {
        const body = Buffer.from(config.config?.configMap['']?.body ?? []).toString();
        if (body.startsWith(BROKEN)) return failed('it is broken')(config);
        const ends = body.startsWith(DEAF) ? 500 : body.startsWith(SLOW) ? 60 : 5;
        setTimeout(() => {
          if (agent.offers.at(-1) === config) for (const state of applied(config)) agent.send(agent.change(state));
        }, ends);
        return applying(config);
      },
    },
  );
  return agent;
}

/** A group of agents, and what an operator does to it. */
export class Troupe implements Disposable {
  readonly server: Program;
  readonly agents: LabAgent[];
  /** Hashes that every agent refuses. */
  readonly broken = new Set<string>();
  /** Agents that a person had asked once more. */
  readonly retried = new Set<string>();
  readonly #receiver = new Receiver();

  constructor(server: Program) {
    this.server = server;
    server.arguments.push('--webhook-allow', '127.0.0.1');
    this.agents = Array.from({ length: AGENTS }, () => newAgent(server));
  }

  get client(): Client {
    return createClient({ baseUrl: `http://${this.server.addresses.api}` });
  }

  async push(text: string, overrides: Overrides = STAGED): Promise<string> {
    const revision = { files: { '': { body: `${text}\n${story()}` } }, message: text };
    const { hash, number } = await this.client.createRevision({ name: 'edge', idempotencyKey: text, body: revision });
    if (text.startsWith(BROKEN)) this.broken.add(hash);
    const { rollouts } = await this.client.startRollout({
      idempotencyKey: text,
      body: { group: 'edge', configuration: 'edge', revision: number, message: text, supersede: true, overrides },
    });
    return rollouts[0]?.id ?? '';
  }

  comesTo(id: string, ...states: string[]) {
    return until(
      () => this.client.getRollout({ id }),
      ({ state }) => states.includes(state),
      20_000,
    );
  }

  /** Also what is there already. */
  async #enter(connect: (agent: LabAgent) => Promise<LabAgent>): Promise<void> {
    await this.client.putConfiguration({ name: 'edge', body: {} });
    const group = { selector: 'role=edge', configuration: 'edge', strategy: 'all-at-once' };
    await this.client.putGroup({ name: 'edge', body: group });
    await Promise.all(this.agents.map(connect));
    await until(
      () => this.client.getGroup({ name: 'edge' }),
      ({ agents }) => agents === AGENTS,
    );
  }

  async play(): Promise<void> {
    await this.#enter((agent) => agent.connect());
    await this.comesTo(await this.push('# one', {}), 'succeeded');
    await this.#gated();
    await this.#takenBack();
    await this.#failedOnce();
    const slow = await this.push(`${DEAF} four`);
    await this.comesTo(await this.push('# five'), 'succeeded');
    await this.comesTo(slow, 'superseded');
    await this.#others();
  }

  /** Through a gate, a pause and the stages. */
  async #gated(): Promise<void> {
    const author = 'test';
    const id = await this.push(`${SLOW} two`, { ...STAGED, gates: [{ after: 'canary', type: 'manual' }] });
    await this.comesTo(id, 'paused');
    await this.client.promoteRollout({ id, body: { author } });
    await this.client.pauseRollout({ id, body: { message: 'look', author } });
    await this.client.resumeRollout({ id, body: { author } });
    await this.comesTo(id, 'succeeded');
  }

  /** A good one that is disliked when some have it, and a bad one that comes back by itself. */
  async #takenBack(): Promise<void> {
    const id = await this.push(`${SLOW} three`, { ...STAGED, stages: ['100%'], bake: '60s' });
    await this.comesTo(id, 'baking');
    const body = { message: 'disliked', author: 'test' };
    await this.client.rollbackRollout({ id, body });
    await this.client.rollbackRollout({ id, body: { ...body, atOnce: true } });
    await this.comesTo(id, 'rolled-back');
    await this.comesTo(await this.push(`${BROKEN} one`), 'rolled-back');
  }

  /** One that pauses when it fails, is tried once more and then left. */
  async #failedOnce(): Promise<void> {
    const id = await this.push(`${BROKEN} two`, { ...STAGED, onFailure: 'pause' });
    await this.comesTo(id, 'paused');
    const { items } = await this.client.listRolloutTargets({ id, state: 'failed' });
    const agents = items.map(({ agent }) => agent);
    for (const agent of agents) this.retried.add(agent);
    await this.client.retryRollout({ id, body: { agents, author: 'test' } });
    await this.client.stopRollout({ id, body: { message: 'enough', leaveMixed: true, author: 'test' } });
  }

  /** Rows of other kinds. */
  async #others(): Promise<void> {
    await this.#receiver.listen();
    const format = 'slack' as const;
    const hook = { url: this.#receiver.url, events: ['group.*'], format };
    await this.client.putWebhook({ name: 'hook', body: hook });
    await this.client.putConfiguration({ name: 'other', body: {} });
    await this.client.putGroup({ name: 'other', body: { selector: 'role=other', configuration: 'other' } });
    await this.client.deleteGroup({ name: 'other' });
    await this.client.deleteConfiguration({ name: 'other' });
    await until(
      () => this.client.getWebhook({ name: 'hook' }),
      ({ waiting }) => waiting === 0,
    );
    await this.client.deleteWebhook({ name: 'hook' });
    await this.client.putStrategy({ name: 'night', body: { base: 'careful' } });
    await this.client.deleteStrategy({ name: 'night' });
    const leaves = new LabAgent({ server: this.server }); // of no group, in which it would be waited for
    await leaves.connect();
    const known = await until(
      () => this.client.getAgent({ id: leaves.uid }).catch(() => undefined),
      (agent) => agent !== undefined,
    );
    leaves.drop();
    await sleep(100);
    if (known !== undefined) await this.client.deleteAgent({ id: known.id });
  }

  /** What must come of it after whatever happened: everybody runs the last one. */
  async end(): Promise<string> {
    await this.#enter((agent) => agent.reconnect());
    const id = await this.push('# the end', {});
    const { target } = await this.comesTo(id, 'succeeded');
    return target.hash;
  }

  [Symbol.dispose](): void {
    for (const agent of this.agents) agent.drop();
    void this.#receiver[Symbol.asyncDispose]();
  }
}
