/** The version of what people edit is its entity tag; the version that an agent says of itself is only shown. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { edge, Lab } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

const get = (path: string) => fetch(`http://${lab.server.addresses.api}/api/v1${path}`);

it.each(['/groups/edge', '/configurations/edge'])('%s changes only as it was read', async (path) => {
  const read = await get(path);
  const tag = read.headers.get('etag');
  const { version } = (await read.json()) as { version: string };
  expect(tag).toBe(`"${version}"`);
  const put = (ifMatch: string) =>
    fetch(read.url, {
      method: 'PUT',
      headers: { 'if-match': ifMatch, 'content-type': 'application/json' },
      body: JSON.stringify(
        path.startsWith('/groups')
          ? { selector: 'role=edge', configuration: 'edge', priority: 7 }
          : { description: 'at the edge' },
      ),
    });
  const changed = await put(tag ?? '');
  expect(changed.status).toBe(200);
  expect(changed.headers.get('etag')).not.toBe(tag);
  const late = await put(tag ?? '');
  expect(late.status).toBe(412);
  expect(await late.json()).toMatchObject({ code: 'changed-meanwhile' });
});

it.each(['1.0–β', '1\u00000\n', 'x'.repeat(100_000), '', '"'])('an agent may call its version %j', async (version) => {
  const agent = lab.agent({ labels: { ...edge.labels, 'service.version': version } });
  await agent.connect();
  await lab.members(1);
  const [listed] = (await lab.client.listAgents({})).items;
  for (const view of ['', '/config?view=effective', '/config?view=desired', '/timeline']) {
    const answer = await get(`/agents/${listed?.id}${view}`);
    expect([answer.status, answer.headers.get('etag')]).toEqual([200, null]);
  }
  const labelled = await lab.client.labelAgent({ id: listed?.id ?? '', body: { labels: { seen: 'yes' } } });
  expect(labelled).toMatchObject({ labels: { seen: 'yes' }, version: listed?.version });
});
