// Every call of our REST API that these tests make, in one place.
import {
  type Agent,
  type AgentConfig,
  type AgentDetail,
  allItems,
  type Client,
  createClient,
  type Rollout,
  type RolloutTarget,
  type SavedRevision,
} from '../../packages/api/src/index.ts';

export interface Push {
  readonly revision: SavedRevision;
  readonly rollout: Rollout;
}

/** Settings over the strategy of a rollout. */
type Overrides = NonNullable<Parameters<Client['startRollout']>[0]['body']['overrides']>;

const AUTHOR = 'interop';

export class Api {
  readonly #client: Client;

  /** `address` is the `host:port` of the operator plane. */
  constructor(address: string) {
    this.#client = createClient({ baseUrl: `http://${address}` });
  }

  /** The agents with this role. */
  async agents(role: string): Promise<Agent[]> {
    return allItems((cursor) =>
      this.#client.listAgents({ selector: `role=${role}`, ...(cursor !== undefined && { cursor }) }),
    );
  }

  /** The agent with this instance uid. */
  agent(uid: string): Promise<AgentDetail> {
    return this.#client.getAgent({ id: uid });
  }

  /** The one text that these tests use, the one without a name. */
  async config(uid: string, view: AgentConfig['view']): Promise<string> {
    return (await this.files(uid, view)).find(({ name }) => name === '')?.body ?? '';
  }

  /** All texts. A body is null when it was too long to keep. */
  async files(uid: string, view: AgentConfig['view']): Promise<AgentConfig['files']> {
    return (await this.#client.getAgentConfig({ id: uid, view })).files;
  }

  async restart(uid: string): Promise<void> {
    await this.#client.restartAgent({ id: uid, author: AUTHOR });
  }

  /** Offers an agent again what it did not apply. */
  async retry(uid: string): Promise<void> {
    await this.#client.retryAgent({ id: uid, author: AUTHOR });
  }

  /** A configuration, and a group of the same name that runs it on the agents with this role. */
  async createGroup(name: string, role: string): Promise<void> {
    await this.#client.putConfiguration({ name, body: { author: AUTHOR } });
    await this.#client.putGroup({
      name,
      body: { selector: `role=${role}`, configuration: name, author: AUTHOR },
    });
  }

  saveRevision(configuration: string, body: string, message: string): Promise<SavedRevision> {
    return this.#client.createRevision({
      name: configuration,
      body: { files: { '': { body } }, message, author: AUTHOR },
    });
  }

  /** A new revision of the group's configuration, on its way to the whole group. */
  async push(
    group: string,
    body: string,
    message: string,
    overrides: Overrides = {},
    strategy = 'all-at-once',
  ): Promise<Push> {
    const revision = await this.saveRevision(group, body, message);
    const { rollouts } = await this.#client.startRollout({
      body: {
        group,
        configuration: group,
        revision: revision.number,
        strategy,
        overrides,
        supersede: true,
        // What a person would be asked: these tests send what is odd on purpose.
        confirm: ['G6', 'G8'],
        author: AUTHOR,
        message,
      },
    });
    const [rollout] = rollouts;
    if (rollout === undefined) throw new Error(`no rollout for the group ${group}`);
    return { revision, rollout };
  }

  async rolloutState(id: string): Promise<Rollout['state']> {
    return (await this.#client.getRollout({ id })).state;
  }

  rollout(id: string): ReturnType<Client['getRollout']> {
    return this.#client.getRollout({ id });
  }

  /** The alerts of a rollout, resolved ones too. */
  async alertsOf(id: string) {
    const { items } = await this.#client.listAlerts({});
    return items.filter(({ rollout }) => rollout === id);
  }

  /** What agents said, as the log of the rollout has it. */
  async rolloutMessages(id: string): Promise<string[]> {
    const log = await allItems((cursor) =>
      this.#client.listRolloutEvents({ id, ...(cursor !== undefined && { cursor }) }),
    );
    const changes = log.flatMap(({ kind, data }) =>
      kind === 'observed' ? (data['changes'] as { message: string }[]) : [],
    );
    return changes.map(({ message }) => message).filter((message) => message !== '');
  }

  targets(id: string): Promise<RolloutTarget[]> {
    return allItems((cursor) => this.#client.listRolloutTargets({ id, ...(cursor !== undefined && { cursor }) }));
  }
}
