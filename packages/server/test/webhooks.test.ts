import { createHmac } from 'node:crypto';
import type { WebhookRequest } from '@flaghoist/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { edge, failed, Lab, story, until } from './lab.ts';
import { Program } from './program.ts';
import { Receiver } from './receiver.ts';

const KEY = 'c2VjcmV0LW9mLXRoZS10ZXN0cy0zMi1ieXRlcy1sb25nISE=';
process.env['FLAGHOIST_TEST_SECRET'] = `whsec_${KEY}`;
const secret = { env: 'FLAGHOIST_TEST_SECRET' };

let lab: Lab;
let receiver: Receiver;
let url: string;
beforeEach(async () => {
  lab = await Lab.start({ webhookAllow: ['127.0.0.1'] });
  receiver = await new Receiver().listen();
  ({ url } = receiver);
});
afterEach(async () => {
  await lab[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const put = (more: Partial<WebhookRequest> = {}, name = 'oncall') =>
  lab.client.putWebhook({ name, body: { url, secret, events: ['group.*'], ...more } });
const shown = (name = 'oncall') => lab.client.getWebhook({ name });
/** Something that happens. */
const happen = (name: string) =>
  lab.client.putGroup({ name, body: { selector: `role=${name}`, configuration: 'edge' } });
const arrived = (count: number, millis?: number) =>
  until(
    () => receiver.received,
    ({ length }) => length >= count,
    millis,
  );

/** By the words of the specification, apart from ours: `v1,` and base64 of HMAC-SHA256 over id, time and body. */
function isSigned({ headers, body }: Receiver['received'][number]): boolean {
  const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const expected = createHmac('sha256', Buffer.from(KEY, 'base64')).update(text).digest('base64');
  return headers['webhook-signature'] === `v1,${expected}`;
}

describe('what a receiver gets', () => {
  it('is signed, has the event, and nothing that was not asked for', async () => {
    await put();
    await lab.client.putConfiguration({ name: 'edge', body: {} });
    await happen('edge');
    const [first] = await arrived(1);
    expect(first && isSigned(first)).toBe(true);
    expect(first?.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': expect.stringMatching(/^msg_/),
    });
    expect(Number(first?.headers['webhook-timestamp'])).toBeCloseTo(Date.now() / 1_000, -1);
    const body = JSON.parse(first?.body ?? '');
    expect(body).toMatchObject({ type: 'group.created', subject: 'group/edge', data: { selector: 'role=edge' } });
    expect(Date.parse(body.timestamp)).toBeGreaterThan(Date.now() - 10_000);
    expect(await shown()).toMatchObject({ state: 'ok', waiting: 0, delivered: 1, dropped: 0 });
    expect(receiver.kinds).toEqual(['group.created']);
  });

  it('is only what concerns agents that its selector selects', async () => {
    await lab.edge();
    await put({ events: ['*'], selector: 'role=edge' });
    await put({ events: ['*'], selector: 'role=gateway' }, 'others');
    const agent = lab.agent({ ...edge, outcome: failed('no') });
    await agent.connect();
    await lab.members(1);
    await lab.push(story());
    await until(
      () => receiver.kinds,
      (kinds) => kinds.filter((kind) => kind === 'alert.raised').length === 2,
    );
    expect(receiver.kinds).toEqual(expect.arrayContaining(['rollout.started', 'rollout.paused']));
    expect(receiver.kinds).not.toContain('revision.created');
    expect(receiver.kinds).not.toContain('rollout.progressed');
    expect(await shown('others')).toMatchObject({ delivered: 0, waiting: 0 });
  });

  it('has the shapes of Slack and Alertmanager', async () => {
    await lab.edge();
    await put({ events: ['alert.*'], secret: null, format: 'slack' }, 'chat');
    await put({ events: ['*'], secret: null, format: 'alertmanager', url: `${receiver.url}/api/v2/alerts` }, 'am');
    const agent = lab.agent({ ...edge, outcome: failed('<!channel> & <https://evil.example|click>') });
    await agent.connect();
    await lab.members(1);
    const { id } = await lab.push(story());
    await arrived(4);
    const texts = receiver.received.filter(({ url }) => url === '/hook').map(({ body }) => JSON.parse(body).text);
    const failedText = texts.find((text) => text.includes('config-failed'));
    expect(failedText).toContain(`&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;`);
    expect(failedText).toMatch(/^:red_circle: config-failed alert.raised: agent .* could not apply edge@1/);
    const alerts = receiver.received.filter(({ url }) => url !== '/hook').flatMap(({ body }) => JSON.parse(body));
    const [alert] = alerts.filter(({ labels }) => labels.kind === 'config-failed');
    expect(alert).toMatchObject({
      labels: { alertname: 'Flaghoist config-failed', group: 'edge', rollout: id },
      annotations: { summary: expect.stringContaining('could not apply'), count: '1' },
    });
    for (const value of Object.values({ ...alert.labels, ...alert.annotations })) expect(typeof value).toBe('string');
    expect(Date.parse(alert.startsAt)).toBeLessThan(Date.parse(alert.endsAt));
  });
});

describe('a receiver that', () => {
  it('fails is tried again, with the same id', async () => {
    let left = 1;
    receiver.answer = (response) => response.writeHead(left-- > 0 ? 503 : 200).end();
    await put();
    await happen('edge');
    const [first, second] = await arrived(2);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(second?.body).toBe(first?.body);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(900);
    await until(shown, ({ delivered }) => delivered === 1);
    expect(await shown()).toMatchObject({ state: 'ok', lastError: '', waiting: 0 });
  });

  it('hangs is left after five seconds', async () => {
    receiver.answer = () => undefined;
    await put();
    expect(await lab.client.testWebhook({ name: 'oncall' })).toMatchObject({
      delivered: false,
      status: null,
      error: 'no answer within 5 s',
    });
  });

  it('redirects is not followed', async () => {
    const elsewhere = await new Receiver().listen();
    receiver.answer = (response) => response.writeHead(302, { location: elsewhere.url }).end();
    await put();
    expect(await lab.client.testWebhook({ name: 'oncall' })).toMatchObject({ status: 302, error: 'it answered 302' });
    expect(elsewhere.received).toEqual([]);
    await elsewhere[Symbol.asyncDispose]();
  });

  it('answers without end is not listened to', async () => {
    receiver.answer = (response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const write = (): void => void (response.destroyed || response.write(chunk, () => setImmediate(write)));
      write();
    };
    await put();
    const answer = await lab.client.testWebhook({ name: 'oncall' });
    expect(answer).toMatchObject({ delivered: true, status: 200 });
    expect(answer.millis).toBeLessThan(2_000);
  });

  it('says 410 is told nothing more, until the webhook is changed', async () => {
    receiver.answer = (response) => response.writeHead(410).end();
    await put();
    await happen('edge');
    await until(shown, ({ state }) => state === 'gone');
    await happen('other');
    expect(await shown()).toMatchObject({ waiting: 0, dropped: 1, lastError: 'it answered 410 (gone)' });
    expect(receiver.received).toHaveLength(1);
    receiver.answer = (response) => response.writeHead(200).end();
    await put();
    await happen('third');
    await arrived(2);
    expect(await shown()).toMatchObject({ state: 'ok' });
  });

  it('is away for long is shown as failing, with the error, and it is an event', async () => {
    await receiver[Symbol.asyncDispose]();
    await put();
    await happen('edge');
    const failing = await until(shown, ({ state }) => state === 'failing', 15_000);
    expect(failing.lastError).toContain('ECONNREFUSED');
    expect(failing).toMatchObject({ waiting: 1, delivered: 0 });
    expect((await lab.client.listWebhooks()).items).toMatchObject([{ state: 'failing' }]);
    receiver = await new Receiver().listen(Number(new URL(url).port));
    await put();
    await arrived(1);
    await until(shown, ({ state }) => state === 'ok');
  });

  it('refuses one event is told the others', async () => {
    receiver.answer = (response, { body }) => response.writeHead(body.includes('poison') ? 400 : 200).end();
    await put();
    await happen('poison');
    await arrived(1);
    await happen('edge');
    await until(shown, ({ delivered }) => delivered === 1);
    expect(await shown()).toMatchObject({ waiting: 1, dropped: 0 });
  });
});

describe('what waits', () => {
  it('is delivered after a restart, with the same id', async () => {
    receiver.answer = (response) => response.writeHead(503).end();
    await put();
    await happen('edge');
    const [first] = await arrived(1);
    receiver.answer = (response) => response.writeHead(200).end();
    await lab.restart();
    await until(shown, ({ delivered }) => delivered === 1);
    const last = receiver.received.at(-1);
    expect(last?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    await lab.restart();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(receiver.received.at(-1)).toBe(last);
    expect(await shown()).toMatchObject({ delivered: 1 });
  });

  it('is delivered after kill -9 between commit and delivery', async () => {
    await using program = await Program.create();
    program.arguments.push('--webhook-allow', '127.0.0.0/8');
    await program.start();
    receiver.answer = () => undefined;
    const { client } = program;
    await client.putWebhook({ name: 'oncall', body: { url: receiver.url, secret, events: ['group.*'] } });
    await client.putGroup({ name: 'edge', body: { selector: 'a=b', configuration: 'edge' } });
    const [first] = await arrived(1);
    await program.kill();
    receiver.answer = (response) => response.writeHead(200).end();
    await program.start();
    const [, second] = await arrived(2);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(second && isSigned(second)).toBe(true);
    expect(await client.getWebhook({ name: 'oncall' })).toBeDefined();
  });

  it('goes with its webhook', async () => {
    receiver.answer = (response) => response.writeHead(503).end();
    await put();
    await happen('edge');
    await arrived(1);
    await lab.client.deleteWebhook({ name: 'oncall' });
    await lab.restart();
    await put();
    expect(await shown()).toMatchObject({ waiting: 0 });
  });
});

describe('where it goes', () => {
  it.each([
    'http://127.0.0.2:1/x',
    'http://2130706434/x',
    'http://0x7f000002/',
    'http://[::1]:1/',
    'http://[::ffff:127.0.0.2]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/',
    'https://localhost.localdomain./',
  ])('is not %s', async (url) => {
    await put({ url });
    const { delivered, status, error } = await lab.client.testWebhook({ name: 'oncall' });
    expect({ delivered, status }).toEqual({ delivered: false, status: null });
    expect(error).toMatch(/not an address of the public internet|ENOTFOUND|EAI_AGAIN/);
  });

  it('a name that resolves to where it may not go is refused, whatever else it resolves to', async () => {
    await put({ url: `https://localhost:${receiver.port}/` });
    const { error, status } = await lab.client.testWebhook({ name: 'oncall' });
    // 127.0.0.1 is opened here, ::1 is not; a name with only the first goes on and meets no TLS.
    expect(status).toBeNull();
    expect(error).toMatch(/public internet|SSL|EPROTO/);
    expect(receiver.received).toEqual([]);
  });

  it.each(['ftp://example.com/', 'file:///etc/passwd', 'https://ada:secret@example.com/', 'example.com'])(
    'cannot be %s',
    async (url) => {
      await expect(put({ url })).rejects.toMatchObject({ code: 'invalid' });
    },
  );

  it('may stand in the environment, and is not told', async () => {
    process.env['FLAGHOIST_TEST_URL'] = receiver.url;
    await put({ url: { env: 'FLAGHOIST_TEST_URL' } });
    await happen('edge');
    await arrived(1);
    expect(JSON.stringify(await shown())).not.toContain(String(receiver.port));
  });
});

it('says what is missing: a secret, a variable, base64', async () => {
  await expect(put({ secret: null })).rejects.toMatchObject({ code: 'invalid' });
  await put({ secret: { env: 'FLAGHOIST_NOT_SET' } });
  // Before anything was sent: else it would be `ok` until the night when it is needed.
  const lack = { state: 'failing', lastError: expect.stringContaining('has no variable FLAGHOIST_NOT_SET') };
  expect(await shown()).toMatchObject(lack);
  expect((await lab.client.listWebhooks({})).items).toMatchObject([lack]);
  const { error } = await lab.client.testWebhook({ name: 'oncall' });
  expect(error).toContain('has no variable FLAGHOIST_NOT_SET');
  process.env['FLAGHOIST_TEST_SHORT'] = 'whsec_c2hvcnQ=';
  await put({ secret: { env: 'FLAGHOIST_TEST_SHORT' } });
  expect(await lab.client.testWebhook({ name: 'oncall' })).toMatchObject({
    error: expect.stringContaining('16 to 64 bytes'),
  });
  expect(receiver.received).toEqual([]);
  await expect(put({ events: ['bogus'] })).rejects.toMatchObject({ code: 'invalid' });
  await expect(put({ selector: 'a=(' })).rejects.toMatchObject({ code: 'invalid-selector' });
});

it('1,000 events for a receiver that is dead do not slow a push, and the oldest are dropped', async () => {
  const push = async (group: string, agents: number): Promise<number> => {
    await lab.client.putGroup({
      name: group,
      body: { selector: `role=${group}`, configuration: 'edge', strategy: 'all-at-once' },
    });
    for (let index = 0; index < agents; index += 1) await lab.agent({ labels: { role: group } }).connect();
    await until(
      () => lab.client.getGroup({ name: group }),
      (found) => found.agents === agents,
    );
    const since = performance.now();
    const body = { group, configuration: 'edge', revision: 1, message: '' } as const;
    const { rollouts } = await lab.client.startRollout({ body });
    const id = rollouts[0]?.id ?? '';
    await until(
      () => lab.client.getRollout({ id }),
      ({ state }) => state === 'succeeded',
    );
    return performance.now() - since;
  };
  await lab.client.putConfiguration({ name: 'edge', body: {} });
  await lab.client.createRevision({ name: 'edge', body: { files: { '': { body: story() } }, message: '' } });
  const before = await push('one', 50);
  receiver.answer = () => undefined;
  await put({ events: ['configuration.*', 'rollout.*', 'agents.changed', 'rollout.progressed'] });
  for (let index = 0; index < 1_100; index += 100) {
    const names = Array.from({ length: 100 }, (_, more) => `c${index + more}`);
    await Promise.all(names.map((name) => lab.client.putConfiguration({ name, body: {} })));
  }
  const { waiting, dropped } = await shown();
  expect(waiting).toBe(1_000);
  expect(dropped).toBeGreaterThanOrEqual(100);
  const after = await push('two', 50);
  console.log(`a push to 50 agents: ${before.toFixed(0)} ms without a webhook, ${after.toFixed(0)} ms with a dead one`);
  expect(after).toBeLessThan(3 * before + 500);
  expect(await shown()).toMatchObject({ waiting: 1_000 });
}, 60_000);
