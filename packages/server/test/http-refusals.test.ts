/** What the operator plane refuses, and that it says what to do. */
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { edge, Lab, silent, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

const url = (path: string): string => `http://${lab.server.addresses.api}/api/v1${path}`;

async function ask(path: string, init?: RequestInit) {
  const response = await fetch(url(path), init);
  return { status: response.status, ...((await response.json()) as { code: string; detail: string }) };
}

const asJson = (method: string, body: string): RequestInit => ({
  method,
  body,
  headers: { 'content-type': 'application/json' },
});

async function enrolled(options = {}) {
  const before = (await lab.client.getGroup({ name: 'edge' })).agents;
  const agent = await lab.agent({ ...edge, ...options }).connect();
  await until(
    () => lab.client.getGroup({ name: 'edge' }),
    ({ agents }) => agents === before + 1,
  );
  return agent;
}

it.each([
  ['evil.example', 403],
  ['evil.example:99999', 403],
  ['evil example', 403],
  ['', 403],
  ['localhost:4321', 200],
  ['127.0.0.1', 200],
  ['[::1]:4321', 200],
])('a request for host %j gets %i', async (host, status) => {
  const [hostname, port] = lab.server.addresses.api.split(':');
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    const options = { hostname, port, path: '/api/v1/fleet', headers: { host }, setHost: false };
    request(options, ({ statusCode }) => resolve(statusCode))
      .on('error', reject)
      .end();
  });
  expect(answer).toBe(status);
});

it.each([
  ['/agents?sellector=x', 'query.sellector: no such parameter; there are selector, q, group'],
  ['/fleet?x=1', 'query.x: no such parameter; there are none here'],
  ['/events?from=1', 'query.from: no such parameter; there are after'],
])('%s is refused by name', async (path, detail) => {
  expect(await ask(path)).toMatchObject({
    status: 400,
    code: 'invalid',
    detail: expect.stringContaining(detail),
  });
});

it('a path that cannot be decoded is a problem too, and HEAD of the event stream is answered', async () => {
  const bad = await fetch(url('/%ff'));
  expect(bad.headers.get('content-type')).toContain('application/problem+json');
  expect(await bad.json()).toMatchObject({ status: 400, code: 'invalid', detail: expect.stringContaining('%ff') });
  const head = await fetch(url('/events'), { method: 'HEAD', signal: AbortSignal.timeout(5_000) });
  expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  expect((await fetch(url('/events?from=1'), { method: 'HEAD' })).status).toBe(400);
});

it.each([
  ['name', { 'a\ud800': { body: story() } }],
  ['body', { '': { body: `${story()}# \udc00\n` } }],
  ['content type', { '': { body: story(), contentType: '\ud800' } }],
])('a file whose %s UTF-8 cannot express is refused, not changed', async (_, files) => {
  const refused = lab.client.createRevision({ name: 'edge', body: { files, message: 'm' } });
  await expect(refused).rejects.toMatchObject({ status: 400, code: 'invalid' });
});

it.each([
  ['{"labels":{"__proto__":"x"}}', 'cannot be called "__proto__"'],
  ['{"labels":{"__pr\\u006fto__":"x"}}', 'cannot be called "__proto__"'],
  ['{"labels":', 'this is not JSON'],
  ['', 'this is not JSON'],
])('the body %j gets a clear message', async (body, detail) => {
  const { uid } = await enrolled();
  expect(await ask(`/agents/${uid}`, asJson('PATCH', body))).toMatchObject({
    status: 400,
    code: 'invalid',
    detail: expect.stringContaining(detail),
  });
  const labels = { labels: { constructor: 'c', 'x"__proto__': '__proto__', ä: '\u00e4' } };
  expect((await ask(`/agents/${uid}`, asJson('PATCH', JSON.stringify(labels)))).status).toBe(200);
});

it('a pin that has expired already is refused, and changes nothing', async () => {
  const { uid } = await enrolled();
  await lab.client.createRevision({ name: 'edge', body: { files: { '': { body: story() } }, message: 'm' } });
  const pin = (expires: string) =>
    lab.client.pinAgent({ id: uid, body: { configuration: 'edge', revision: 1, reason: 'r', expires } });
  await expect(pin('2001-01-01T00:00:00Z')).rejects.toMatchObject({
    code: 'invalid',
    detail: expect.stringContaining('give a later time'),
  });
  expect(await lab.detail(uid)).toMatchObject({ pin: null, desired: null });
  expect((await pin(new Date(Date.now() + 60_000).toISOString())).desired).toMatchObject({ revision: 1 });
});

it('an event that has not happened here is gone: new data directory, restored backup', async () => {
  expect(await ask('/events?after=99999')).toMatchObject({
    status: 410,
    code: 'gone',
    detail: expect.stringMatching(/99999 has not happened here.*read \/fleet and follow from its lastEvent/),
  });
});

describe('what is in use is not deleted, and the way out that is named works', () => {
  it('a group with a rollout that does not end: supersede it', async () => {
    const agent = await enrolled({ outcome: silent });
    const { id } = await lab.push(story());
    const refusal = { code: 'rollout-active', detail: expect.stringMatching(/--to edge@1 --supersede$/) };
    await expect(lab.client.deleteGroup({ name: 'edge' })).rejects.toMatchObject(refusal);
    await lab.client.putConfiguration({ name: 'other', body: {} });
    const body = { selector: 'role=edge', configuration: 'other' };
    await expect(lab.client.putGroup({ name: 'edge', body })).rejects.toMatchObject(refusal);
    await lab.client.deleteAgent({ id: agent.uid });
    agent.drop();
    const again = {
      group: 'edge',
      configuration: 'edge',
      revision: 1,
      message: 'm',
      supersede: true,
    } as const;
    await lab.client.startRollout({ body: again });
    expect(await lab.client.getRollout({ id })).toMatchObject({ state: 'superseded' });
    await until(
      () => lab.client.listRollouts({ state: 'running' }),
      ({ total }) => total === 0,
    );
    await lab.client.deleteGroup({ name: 'edge' });
  });

  it('a configuration that a group runs or a pin names', async () => {
    await lab.client.createRevision({
      name: 'edge',
      body: { files: { '': { body: story() } }, message: 'm' },
    });
    const { uid } = await enrolled();
    const remove = () => lab.client.deleteConfiguration({ name: 'edge' });
    await lab.client.pinAgent({ id: uid, body: { configuration: 'edge', revision: 1, reason: 'r' } });
    await expect(remove()).rejects.toMatchObject({ detail: expect.stringContaining('flaghoist apply -f') });
    await lab.client.putConfiguration({ name: 'other', body: {} });
    await lab.client.putGroup({ name: 'edge', body: { selector: 'role=edge', configuration: 'other' } });
    const { id } = await lab.detail(uid);
    await expect(remove()).rejects.toMatchObject({
      detail: expect.stringContaining(`flaghoist agent unpin ${id}`),
    });
    await lab.client.unpinAgent({ id });
    await remove();
  });
});
