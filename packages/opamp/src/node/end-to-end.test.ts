import { expect, test } from 'vitest';
import { connectWebSocket, httpExchange } from '../../test/client.ts';
import { listen, until } from '../../test/listener.ts';
import {
  type AgentToServer,
  attach,
  decodeAgentToServer,
  decodeServerToAgent,
  encodeAgentToServer,
  encodeBadRequest,
  encodeRemoteConfig,
  encodeReply,
  exchange,
  type Fact,
  type InstanceUid,
  newSession,
  newUuidV7,
  OpampError,
  type Session,
  uidFromBytes,
} from '../index.ts';
import { MemoryAgent } from '../testing/index.ts';
import type { AgentConnection } from './index.ts';

const uid = newUuidV7(1, new Uint8Array(10));

/** The shell of the README: sessions by uid over a real listener. */
async function serve() {
  const sessions = new Map<InstanceUid, Session>();
  const facts: Fact[] = [];
  const body = new TextEncoder().encode('receivers: {}\n'.repeat(1_000));
  const remoteConfig = encodeRemoteConfig({ files: [{ name: '', body }], hash: Uint8Array.of(1, 2, 3) });
  let offered = false;

  const answer = (connection: AgentConnection, payload: Uint8Array) => {
    const message = decodeAgentToServer(payload);
    const from = uidFromBytes(message.instanceUid);
    const input = { kind: 'message', link: connection.link, message, payload } as const;
    const made = exchange(sessions.get(from) ?? newSession(from), input, performance.now(), () => uid);
    sessions.set(from, made.session);
    facts.push(...made.facts);
    for (const { reply } of made.deliveries) {
      const full = offered ? reply : attach(made.session, reply, { remoteConfig });
      offered ||= full !== reply;
      connection.send(encodeReply(full));
    }
  };
  const server = await listen(
    {},
    {
      message: (connection, payload) => {
        try {
          answer(connection, payload);
        } catch (error) {
          if (!(error instanceof OpampError)) throw error;
          connection.send(encodeBadRequest(error.message, payload, connection.uidHeader));
        }
      },
    },
  );
  return { ...server, facts, sessions, body };
}

const kindsOf = (facts: readonly Fact[]) => facts.map(({ kind }) => kind);

function expectApplied(agent: MemoryAgent, server: Awaited<ReturnType<typeof serve>>) {
  expect(agent.offers[0]?.config?.configMap['']?.body).toEqual(server.body);
  expect(server.facts.filter(({ kind }) => kind === 'remoteConfigStatus')).toMatchObject([
    { value: { status: 0 } },
    { value: { status: 2, lastRemoteConfigHash: Uint8Array.of(1, 2, 3) } },
    { value: { status: 1, lastRemoteConfigHash: Uint8Array.of(1, 2, 3) } },
  ]);
}

test('Q1, Q5: start, offer, APPLYING, APPLIED, goodbye over WebSocket', async () => {
  const server = await serve();
  const agent = new MemoryAgent({ uid });
  let answers = 0;
  const client = await connectWebSocket(server.ws, {
    message: (payload) => {
      answers += 1;
      for (const message of agent.receive(decodeServerToAgent(payload))) send(message);
    },
  });
  const send = (message: AgentToServer) => client.send(encodeAgentToServer(message));
  send(agent.start());
  await until(() => answers === 3);
  expectApplied(agent, server);
  send(agent.goodbye());
  await until(() => answers === 4);
  client.close();
  expect(kindsOf(server.facts).at(-1)).toBe('disconnected');
});

test('Q2, Q5: the same over plain HTTP', async () => {
  const server = await serve();
  const agent = new MemoryAgent({ uid });
  const queue = [agent.start()];
  for (let message = queue.shift(); message !== undefined; message = queue.shift()) {
    const { status, payload } = await httpExchange(server.http, encodeAgentToServer(message), { gzip: true });
    expect(status).toBe(200);
    queue.push(...agent.receive(decodeServerToAgent(payload)));
  }
  expectApplied(agent, server);
  expect(server.sessions.get(uid)).toMatchObject({
    state: 'online',
    epoch: expect.stringMatching(/#0$/),
    knowledge: 'synced',
  });
});

test('A9: a body that is no message is answered 200 with BAD_REQUEST, to the uid of the header', async () => {
  const server = await serve();
  const headers = { 'OpAMP-Instance-UID': uid };
  const { status, payload } = await httpExchange(server.http, Uint8Array.of(0xff, 0xff, 0xff), { headers });
  const reply = decodeServerToAgent(payload);
  expect([status, reply.errorResponse?.type, uidFromBytes(reply.instanceUid)]).toEqual([200, 1, uid]);
  expect(server.sessions.size).toBe(0);
});
