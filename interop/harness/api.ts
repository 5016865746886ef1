// Every call of our REST API that these tests make, in one place.

export interface Revision {
  readonly number: number;
  readonly hash: string;
}

/** The members of an agent that these tests look at; names and meanings are the API's. */
export interface Agent {
  readonly id: string;
  readonly instanceUid: string;
  readonly connected: boolean;
  readonly transport: string;
  readonly group: string | null;
  readonly capabilities: readonly string[];
  readonly health: { readonly healthy: boolean; readonly lastError?: string } | null;
  readonly desired: { readonly revision: number; readonly hash: string } | null;
  readonly reported: {
    readonly hash: string;
    readonly status: 'UNSET' | 'APPLIED' | 'APPLYING' | 'FAILED';
    readonly errorMessage: string;
  } | null;
  readonly sync: string;
  readonly state: string;
  readonly reason: string;
  readonly ledger?: Ledger | null;
}

/** RFC 3339 times, null for what has not happened. */
export interface Ledger {
  readonly phase: string;
  readonly sends: number;
  readonly offeredAt: string | null;
  readonly sentAt: string | null;
  readonly applyingAt: string | null;
  readonly appliedAt: string | null;
  readonly healthySince: string | null;
  readonly provenAt: string | null;
  readonly failure: { readonly reason: string; readonly message: string } | null;
}

export interface Rollout {
  readonly id: string;
  readonly state: string;
}

export interface Target {
  readonly state: string;
  readonly message: string;
}

export interface Push {
  readonly revision: Revision;
  readonly rollout: Rollout;
}

const AUTHOR = 'interop';

export class Api {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  async agents(): Promise<Agent[]> {
    return (await this.#json<{ items: Agent[] }>('GET', '/agents')).items;
  }

  /** The agent with this instance uid, with its ledger. */
  agent(uid: string): Promise<Agent> {
    return this.#json('GET', `/agents/${uid}`);
  }

  /** The answer as text: enough to see whether a component is named in it. */
  async config(uid: string, view: 'desired' | 'offered' | 'effective'): Promise<string> {
    return (await this.#call('GET', `/agents/${uid}/config?view=${view}`)).text();
  }

  async restart(uid: string): Promise<void> {
    await this.#call('POST', `/agents/${uid}:restart`, {});
  }

  /** A configuration, and a group of the same name that runs it on the agents with this role. */
  async createGroup(name: string, role: string): Promise<void> {
    await this.#call('PUT', `/configurations/${name}`, { description: 'interop' });
    await this.#call('PUT', `/groups/${name}`, { selector: `role=${role}`, configuration: name });
  }

  saveRevision(configuration: string, body: string, message: string): Promise<Revision> {
    const files = { '': { body, contentType: 'text/yaml' } };
    return this.#json('POST', `/configurations/${configuration}/revisions`, {
      files,
      message,
      author: AUTHOR,
    });
  }

  startRollout(group: string, revision: number, message: string): Promise<Rollout> {
    const rollout = { group, revision, message, author: AUTHOR, strategy: 'all-at-once', supersede: true };
    return this.#json('POST', '/rollouts', rollout);
  }

  /** A new revision of the group's configuration, on its way to the whole group. */
  async push(group: string, body: string, message: string): Promise<Push> {
    const revision = await this.saveRevision(group, body, message);
    return { revision, rollout: await this.startRollout(group, revision.number, message) };
  }

  rollout(id: string): Promise<Rollout> {
    return this.#json('GET', `/rollouts/${id}`);
  }

  async targets(id: string): Promise<Target[]> {
    return (await this.#json<{ items: Target[] }>('GET', `/rollouts/${id}/targets`)).items;
  }

  async #json<T>(method: string, path: string, body?: unknown): Promise<T> {
    return (await (await this.#call(method, path, body)).json()) as T;
  }

  async #call(method: string, path: string, body?: unknown): Promise<Response> {
    const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(this.#base + path, { method, ...(body !== undefined && json) });
    if (!response.ok) {
      throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    }
    return response;
  }
}
