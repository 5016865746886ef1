import { connect } from 'node:net';
import { followEvents, type JournalEvent } from '@flaghoist/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { edge, Lab, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

const files = (body: string) => ({ '': { body } });
const url = (path: string): string => `http://${lab.server.addresses.api}/api/v1${path}`;

describe('saving a revision', () => {
  const save = (body: string, extra: object = {}) =>
    lab.client.createRevision({ name: 'edge', body: { files: files(body), message: 'm', ...extra } });

  it.each([
    ['a syntax error', 'receivers: {otlp: [', 'yaml-syntax', 1],
    ['a duplicate key', `${story()}exporters: {}\n`, 'duplicate-key', 13],
    ['no pipelines', 'receivers: {otlp: {}}\n', 'no-pipelines', 1],
    ['a text that is no mapping', '- a\n- b\n', 'not-a-mapping', 1],
    ['more than a mebibyte', `# ${'x'.repeat(1024 * 1024)}\n${story()}`, 'too-large', 1],
  ])('refuses %s with line and column, and loses nothing', async (_, body, rule, line) => {
    await expect(save(body)).rejects.toMatchObject({
      status: 422,
      code: 'invalid-config',
      problems: expect.arrayContaining([
        expect.objectContaining({
          rule,
          line,
          column: expect.any(Number),
          message: expect.stringMatching(/\w+ \w+/),
        }),
      ]),
    });
    expect((await lab.client.getConfiguration({ name: 'edge' })).latest).toBe(0);
  });

  it('numbers revisions, keeps author, time, message and parent, and knows the same texts again', async () => {
    const first = await save(story(), { author: 'ada' });
    const same = await save(story());
    const second = await save(story('otlp/secondary'), { parent: 1 });
    expect(first).toMatchObject({ number: 1, author: 'ada', parent: null, created: true, message: 'm' });
    expect(same).toMatchObject({ number: 1, hash: first.hash, created: false });
    expect(second).toMatchObject({ number: 2, parent: 1 });
    await expect(save(story('otlp/third'), { parent: 1 })).rejects.toMatchObject({
      status: 409,
      code: 'conflict',
    });
    expect((await lab.client.diffRevisions({ name: 'edge', from: 1, to: 2 })).text).toContain('+  otlp/secondary:');
    expect((await lab.client.getRevision({ name: 'edge', revision: 1 })).files).toEqual({
      '': { body: story(), contentType: 'text/yaml' },
    });
  });

  it('gives a repeated request with the same idempotency key the first answer', async () => {
    const request = { name: 'edge', idempotencyKey: 'k1', body: { files: files(story()), message: 'm' } };
    const [one, two] = await Promise.all([lab.client.createRevision(request), lab.client.createRevision(request)]);
    expect(two).toEqual(one);
    expect(await lab.client.createRevision(request)).toEqual(one);
  });
});

describe('editing', () => {
  it('refuses an edit of what has changed meanwhile (If-Match)', async () => {
    const { version } = await lab.client.getGroup({ name: 'edge' });
    const body = { selector: 'role=edge,env=prod', configuration: 'edge' };
    await lab.client.putGroup({ name: 'edge', ifMatch: version, body });
    await expect(lab.client.putGroup({ name: 'edge', ifMatch: version, body })).rejects.toMatchObject({
      status: 412,
    });
  });

  it('says what is wrong with a selector, a name, a field', async () => {
    const put = (name: string, body: object) => lab.client.putGroup({ name, body: body as never });
    await expect(put('g', { selector: 'a=(', configuration: 'edge' })).rejects.toMatchObject({
      code: 'invalid-selector',
    });
    await expect(put('No!', { selector: '', configuration: 'edge' })).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(put('g', { selector: '', configuration: 'edge', colour: 'red' })).rejects.toMatchObject({
      code: 'invalid',
      detail: expect.stringContaining('colour'),
    });
    await expect(lab.client.getAgent({ id: 'nobody' })).rejects.toMatchObject({
      status: 404,
      code: 'not-found',
    });
  });

  it('does not delete what is in use', async () => {
    await lab.agent(edge).connect();
    await lab.members(1);
    await expect(lab.client.deleteConfiguration({ name: 'edge' })).rejects.toMatchObject({
      code: 'conflict',
    });
  });
});

describe('lists', () => {
  it('pages through agents by a cursor, filters by selector, text, group and state', async () => {
    await Promise.all(
      ['node-1', 'node-2', 'node-3', 'node-4', 'node-5'].map((host, index) =>
        lab.agent({ labels: { role: index < 3 ? 'edge' : 'core', 'host.name': host } }).connect(),
      ),
    );
    await until(
      () => lab.client.listAgents({}),
      ({ total }) => total === 5,
    );
    // Groups are given out in the turn after an agent was first heard.
    await lab.members(3);
    const one = await lab.client.listAgents({ limit: 2 });
    const two = await lab.client.listAgents({ limit: 2, cursor: one.nextCursor ?? '' });
    const three = await lab.client.listAgents({ limit: 2, cursor: two.nextCursor ?? '' });
    expect([one, two, three].flatMap(({ items }) => items.map(({ name }) => name))).toEqual([
      'node-1',
      'node-2',
      'node-3',
      'node-4',
      'node-5',
    ]);
    expect(three.nextCursor).toBeNull();
    // Text is also looked for in ids, which are random letters and digits: with a hyphen it is found in names alone.
    const names = async (filter: object) => (await lab.client.listAgents(filter)).items.map(({ name }) => name);
    expect(await names({ selector: 'role=core' })).toEqual(['node-4', 'node-5']);
    expect(await names({ q: 'NODE-2' })).toEqual(['node-2']);
    expect(await names({ group: 'edge' })).toEqual(['node-1', 'node-2', 'node-3']);
    expect(await names({ state: 'in-sync' })).toEqual([]);
  });
});

describe('the event stream', () => {
  async function take(count: number, after?: number): Promise<JournalEvent[]> {
    const stop = new AbortController();
    const events: JournalEvent[] = [];
    const options = { baseUrl: `http://${lab.server.addresses.api}`, signal: stop.signal };
    for await (const event of followEvents(after === undefined ? options : { ...options, after })) {
      events.push(event);
      if (events.length === count) break;
    }
    stop.abort();
    return events;
  }

  it('resumes by number: backfilled, in order, nothing lost or doubled', async () => {
    for (let index = 0; index < 20; index += 1) await lab.client.putConfiguration({ name: `c${index}`, body: {} });
    const all = await take(22, 0);
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 22 }, (_, index) => index + 1));
    expect(await take(12, 10)).toEqual(all.slice(10));
    const live = take(3, 21);
    await lab.client.putConfiguration({ name: 'late1', body: {} });
    await lab.client.putConfiguration({ name: 'late2', body: {} });
    expect((await live).map(({ seq }) => seq)).toEqual([22, 23, 24]);
  });

  it('survives a restart of the server with its numbers', async () => {
    const { lastEvent } = await lab.client.getFleet({});
    await lab.restart();
    expect((await take(1, lastEvent))[0]).toMatchObject({ seq: lastEvent + 1, kind: 'server.started' });
  });
});

describe('the operator plane', () => {
  it('refuses other sites: a foreign Origin, a foreign Host (DNS rebinding)', async () => {
    const foreign = await fetch(url('/configurations/evil'), {
      method: 'PUT',
      headers: { origin: 'https://evil.example', 'content-type': 'application/json' },
      body: '{}',
    });
    expect(foreign.status).toBe(403);
    const [host = '', port = ''] = lab.server.addresses.api.split(':');
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), host, () =>
        socket.write('GET /api/v1/fleet HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'),
      );
      let text = '';
      socket.on('data', (data) => {
        text += data;
      });
      socket.on('end', () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1.1 403/);
  });

  it('answers what it does not understand with a problem', async () => {
    for (const [method, path, body, type, status] of [
      ['GET', '/nothing', undefined, undefined, 404],
      ['POST', '/agents/x:fly', undefined, undefined, 404],
      ['PUT', '/configurations/x', '{', 'application/json', 400],
      ['PUT', '/configurations/x', 'a=1', 'application/x-www-form-urlencoded', 415],
      ['GET', '/agents?limit=0', undefined, undefined, 400],
      ['GET', '/agents?limit=5&cursor=%00', undefined, undefined, 200],
    ] as const) {
      const response = await fetch(url(path), {
        method,
        ...(body && { body }),
        ...(type && { headers: { 'content-type': type } }),
      });
      expect([path, response.status]).toEqual([path, status]);
      if (status >= 400) expect(response.headers.get('content-type')).toMatch('application/problem+json');
    }
  });

  it('operations port: alive, ready, version', async () => {
    for (const path of ['livez', 'readyz', 'version']) {
      expect((await fetch(`http://${lab.server.addresses.ops}/${path}`)).status).toBe(200);
    }
  });
});
