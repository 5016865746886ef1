/** A server in memory that serves the whole contract over real HTTP: enough of one to test the command line against. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AnswerOf,
  ApiError,
  BASE_PATH,
  type CallName,
  type InputOf,
  type OperationName,
  problemDocument,
} from '@flaghoist/api';
import { contract, type Operation } from '@flaghoist/api/contract';
import { readRequest } from '@flaghoist/api/wire';
import { checkText } from '@flaghoist/fleet';
import { z } from 'zod';
import { World } from './world.ts';

const missing = (kind: string, name: string): ApiError => new ApiError('not-found', `there is no ${kind} ${name}`);

function page<Item>(items: readonly Item[], { limit, cursor }: { limit: number; cursor?: string | undefined }) {
  const from = Number(cursor ?? 0);
  const to = from + limit;
  return {
    items: items.slice(from, to),
    nextCursor: to < items.length ? String(to) : null,
    total: items.length,
  };
}

/** Answers are given as they stand on the wire. */
type Answers = { readonly [Op in CallName]: (input: InputOf<Op>) => Promise<AnswerOf<Op>> };

function handlersOf(world: World): Answers {
  const agent = (id: string) => {
    const found = world.agents.find((one) => one.id === id || one.instanceUid === id);
    if (found === undefined) throw missing('agent', id);
    return found;
  };
  const known = <T>(map: ReadonlyMap<string, T>, kind: string, name: string): T => {
    const found = map.get(name);
    if (found === undefined) throw missing(kind, name);
    return found;
  };
  const fresh = (present: { version: string } | undefined, ifMatch: string | undefined): void => {
    if (ifMatch !== undefined && ifMatch !== present?.version) {
      throw new ApiError('changed-meanwhile', 'somebody else changed it: read it again');
    }
  };
  const revision = (name: string, which: number | 'latest') => {
    const all = known(world.revisions, 'configuration', name);
    const found = which === 'latest' ? all.at(-1) : all.find(({ number }) => number === which);
    if (found === undefined) throw missing('revision', `${name}@${which}`);
    return found;
  };
  const withoutFiles = ({ files: _, ...rest }: ReturnType<typeof revision>) => rest;
  const sizeOf = (name: string): number => world.agents.filter(({ group }) => group === name).length;
  const groupView = (name: string) => ({ ...known(world.groups, 'group', name), agents: sizeOf(name) });
  const select = (filter: { group?: string | undefined; state?: string | undefined; q?: string | undefined }) =>
    world.agents.filter(
      ({ group, state, name }) =>
        (filter.group ?? group) === group && (filter.state ?? state) === state && name.includes(filter.q ?? ''),
    );
  const noted = (id: string, kind: string) => {
    const found = agent(id);
    world.record(kind, `agent/${found.id}`, {});
    return found;
  };

  /** Two at a time, every second time nobody. */
  const many = (
    { agents, expected, ...body }: { agents?: string[] | undefined; expected?: number | undefined },
    act: string,
  ) => {
    world.calls.push({ [act]: { agents, expected, ...body } });
    const todo = agents ?? world.agents.map(({ id }) => id);
    if (expected !== undefined && expected !== todo.length) throw new ApiError('conflict', 'look again');
    world.places = !world.places;
    if (!world.places) throw new ApiError('no-place', 'none is free');
    const named = todo.slice(0, 2).map((id) => ({ agent: id, name: agent(id).name }));
    const refused = named
      .filter(({ name }) => name.endsWith('-3'))
      .map((one) => ({ ...one, code: 'conflict', message: 'offline' }));
    return { done: named.filter(({ name }) => !name.endsWith('-3')), refused, waiting: todo.slice(2) };
  };

  const change = (id: string, call: object, changes: Parameters<World['progress']>[1]) => {
    world.calls.push(call);
    const { counts } = known(world.rollouts, 'rollout', id);
    world.progress(id, { counts, ...changes });
    return { rollouts: [known(world.rollouts, 'rollout', id)] };
  };

  return {
    listAgents: async (input) => page(select(input), input),
    getAgent: async ({ id }) => agent(id),
    labelAgent: async ({ id, body }) => {
      world.calls.push({ labels: body.labels, author: body.author });
      return noted(id, 'agent.labelled');
    },
    deleteAgent: async ({ id }) => {
      world.agents.splice(world.agents.indexOf(agent(id)), 1);
    },
    getAgentConfig: async ({ id, view }) => ({
      view,
      revision: null,
      at: null,
      files: agent(id).connected ? [{ name: '', contentType: 'text/yaml', body: `view: ${view}`, bytes: 8 }] : [],
    }),
    getAgentTimeline: async ({ id }) => ({
      items: world.events.filter(({ subject }) => subject === `agent/${agent(id).id}`),
      nextCursor: null,
    }),
    pinAgent: async ({ id, body }) => {
      world.calls.push({ pin: body });
      revision(body.configuration, body.revision);
      return noted(id, 'agent.pinned');
    },
    labelAgents: async ({ body }) => many(body, 'label'),
    pinAgents: async ({ body }) => many(body, 'pin'),
    unpinAgents: async ({ body }) => many(body, 'unpin'),
    restartAgents: async ({ body }) => many(body, 'restart'),
    retryAgents: async ({ body }) => many(body, 'retry'),
    unpinAgent: async ({ id }) => noted(id, 'agent.unpinned'),
    restartAgent: async ({ id }) => noted(id, 'agent.restarted'),
    approveAgent: async ({ id }) => noted(id, 'agent.approved'),
    retryAgent: async ({ id }) => noted(id, 'agent.retried'),

    listConfigurations: async (input) => page([...world.configurations.values()], input),
    getConfiguration: async ({ name }) => known(world.configurations, 'configuration', name),
    putConfiguration: async ({ name, ifMatch, body }) => {
      fresh(world.configurations.get(name), ifMatch);
      return world.putConfiguration(name, body.description, body.author);
    },
    deleteConfiguration: async ({ name }) => {
      world.configurations.delete(name);
    },
    listRevisions: async ({ name, ...input }) =>
      page(known(world.revisions, 'configuration', name).map(withoutFiles).reverse(), input),
    createRevision: async ({ name, body }) => {
      known(world.configurations, 'configuration', name);
      const [problem] = checkText(body.files);
      if (problem !== undefined) throw new ApiError('invalid-config', problem.message, [problem]);
      return world.save(name, body);
    },
    getRevision: async ({ name, revision: which }) => revision(name, which),
    diffRevisions: async ({ name, from, to }) => {
      const [before, after] = [revision(name, from), revision(name, to)];
      const [a = '', b = ''] = [before.files['']?.body, after.files['']?.body];
      return { from: before.number, to: after.number, text: a === b ? '' : `-${a}+${b}` };
    },

    listGroups: async (input) => page([...world.groups.keys()].map(groupView), input),
    getGroup: async ({ name }) => groupView(name),
    putGroup: async ({ name, ifMatch, body }) => {
      fresh(world.groups.get(name), ifMatch);
      const strategy = z.encode(contract.putGroup.input.shape.body.shape.strategy, body.strategy);
      world.putGroup(name, { ...body, strategy });
      return groupView(name);
    },
    deleteGroup: async ({ name }) => {
      world.groups.delete(name);
    },
    listGroupAgents: async ({ name, ...input }) => page(select({ ...input, group: groupView(name).name }), input),

    listStrategies: async (input) => page([...world.strategies.values()], input),
    getStrategy: async ({ name }) => known(world.strategies, 'strategy', name),
    putStrategy: async ({ name, ifMatch, body: { author: _, ...spec } }) => {
      fresh(world.strategies.get(name), ifMatch);
      return world.putStrategy(name, z.encode(contract.getStrategy.response.shape.spec, spec));
    },
    deleteStrategy: async ({ name }) => {
      world.strategies.delete(name);
    },

    planRollout: async ({ body }) => {
      const { number, hash } = revision(body.configuration, body.revision);
      const target = { configuration: body.configuration, revision: number, hash };
      const names = body.group === undefined ? [...world.groups.keys()] : [body.group];
      return { plans: names.map((name) => world.plan(groupView(name), target)) };
    },
    startRollout: async ({ body }) => {
      const open = world.findings.filter(
        ({ severity, gate }) => severity === 'confirm' && !body.confirm?.includes(gate),
      );
      if (open[0] !== undefined) throw new ApiError('needs-confirmation', open[0].message);
      const names =
        body.group === undefined
          ? [...world.groups.values()]
              .filter((group) => group.configuration === body.configuration)
              .map(({ name }) => name)
          : [groupView(body.group).name];
      const { number, hash } = revision(body.configuration, body.revision);
      const target = { configuration: body.configuration, revision: number, hash };
      world.calls.push({ rollout: body });
      return { rollouts: names.map((name) => world.start(groupView(name), target, body)) };
    },
    listRollouts: async (input) =>
      page([...world.rollouts.values()].filter(({ group }) => (input.group ?? group) === group).reverse(), input),
    getRollout: async ({ id }) => {
      const children = [...world.rollouts.values()].filter(({ parent }) => parent === id);
      const [first] = children;
      return first === undefined
        ? { ...known(world.rollouts, 'rollout', id), children: [] }
        : { ...first, id, group: null, strategy: null, children };
    },
    listRolloutTargets: async ({ id, ...input }) => {
      known(world.rollouts, 'rollout', id);
      return page(world.targets, input);
    },
    listRolloutEvents: async () => ({ items: world.decisions, nextCursor: null }),
    pauseRollout: async ({ id, body }) =>
      change(id, { pause: body }, { state: 'paused', pause: { reason: 'operator', message: body.message } }),
    resumeRollout: async ({ id, body }) => change(id, { resume: body }, { state: 'running', pause: null }),
    promoteRollout: async ({ id, body }) => change(id, { promote: body }, { state: 'running', pause: null }),
    rollbackRollout: async ({ id, body }) => change(id, { rollback: body }, { state: 'rolling-back' }),
    stopRollout: async ({ id, body }) => change(id, { stop: body }, { state: 'stopped-mixed' }),
    retryRollout: async ({ id, body }) => change(id, { retry: body }, {}),
    listAlerts: async ({ kind, state, group, rollout, ...input }) => {
      const wanted = { kind, state, group, rollout };
      const asked = Object.entries(wanted).filter(([, value]) => value !== undefined);
      return page(
        world.alerts.filter((alert) => asked.every(([key, value]) => alert[key as 'kind'] === value)),
        input,
      );
    },
    listWebhooks: async (input) => page([...world.webhooks.values()], input),
    getWebhook: async ({ name }) => known(world.webhooks, 'webhook', name),
    putWebhook: async ({ name, ifMatch, body: { author: _, ...settings } }) => {
      fresh(world.webhooks.get(name), ifMatch);
      return world.putWebhook(name, settings);
    },
    deleteWebhook: async ({ name }) => {
      world.webhooks.delete(name);
    },
    testWebhook: async ({ name }) =>
      known(world.webhooks, 'webhook', name).format === 'slack'
        ? { delivered: true, status: 200, millis: 12, error: '' }
        : { delivered: false, status: 410, millis: 7, error: 'it answered 410 (gone)' },
    getFleet: async () => ({
      total: world.agents.length,
      connected: 0,
      groups: [],
      states: {},
      versions: {},
      capabilities: {},
      alerts: world.alerts.length,
      lastEvent: world.events.length,
    }),
    getVersion: async () => ({ version: '9.9.9', api: 'v1', startedAt: '2026-11-21T12:00:00.000Z' }),
  };
}

function match(method: string, path: string): { name: OperationName; params: Record<string, string> } | undefined {
  for (const [name, operation] of Object.entries(contract) as [OperationName, Operation][]) {
    if (operation.method !== method) continue;
    const pattern = operation.path.replaceAll(/[.:]/g, '\\$&').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/:]+)');
    const found = new RegExp(`^${BASE_PATH}${pattern}$`).exec(path);
    if (found === null) continue;
    const params = Object.entries(found.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]);
    return { name, params: Object.fromEntries(params) };
  }
  return undefined;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text === '' ? undefined : JSON.parse(text);
}

async function serve(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://fake');
  const found = match(request.method ?? '', url.pathname);
  if (found === undefined) throw missing('operation', url.pathname);
  world.authorization = request.headers.authorization;
  const { name, params } = found;
  const operation: Operation = contract[name];
  const query = Object.fromEntries(url.searchParams);
  const raw = { params, query, headers: request.headers, body: await bodyOf(request) };
  if (name === 'streamEvents') {
    const { after, lastEventId } = readRequest(name, raw);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(': here\n\n');
    for await (const event of world.follow(lastEventId ?? after ?? world.events.length, gone.signal)) {
      response.write(`id: ${event.seq}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`);
    }
    response.end();
    return;
  }
  const handler = handlersOf(world)[name] as (input: unknown) => Promise<unknown>;
  const answer = await handler(readRequest(name, raw));
  // An answer that is not what the contract says is a mistake in the test.
  operation.response.parse(answer);
  response.writeHead(operation.status, { 'Content-Type': 'application/json' });
  response.end(operation.status === 204 ? undefined : JSON.stringify(answer));
}

export class FakeServer implements AsyncDisposable {
  readonly world = new World();
  readonly #server = createServer((request, response) => {
    serve(this.world, request, response).catch((error: unknown) => {
      const problem = error instanceof ApiError ? error : new ApiError('internal', String(error));
      if (response.headersSent) return response.destroy();
      response.writeHead(problem.status, { 'Content-Type': 'application/problem+json' });
      return response.end(JSON.stringify(problemDocument(problem)));
    });
  });

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks every connection that is open; new ones are served. */
  hangUp(): void {
    this.#server.closeAllConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
