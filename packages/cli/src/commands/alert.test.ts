import type { Alert } from '@flaghoist/api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeServer } from '../../test/fake-server.ts';
import { run } from '../../test/terminal.ts';

let server: FakeServer;
beforeEach(async () => {
  server = await new FakeServer().listen();
});
afterEach(() => server[Symbol.asyncDispose]());

const flaghoist = (...words: string[]) => run(server.url, words);

const alert: Alert = {
  id: 'n1',
  kind: 'config-failed',
  state: 'active',
  group: 'edge',
  rollout: 'r1',
  revision: { configuration: 'edge', revision: 7, hash: 'ab'.repeat(32) },
  count: 3,
  remaining: 2,
  causes: [{ reason: 'agent-failed', message: 'no', count: 3, examples: [{ agent: 'a1', name: 'host-1' }] }],
  summary: '3 agents could not apply edge@7\u001b[31m',
  raisedAt: '2026-11-21T11:59:00.000Z',
  updatedAt: '2026-11-21T11:59:30.000Z',
  resolvedAt: null,
};

test('alert list: a table, by kind, state, group and rollout, and for machines', async () => {
  const paused: Alert = { ...alert, id: 'n2', kind: 'rollout-paused', state: 'resolved', count: 0, remaining: 0 };
  server.world.alerts = [alert, paused];
  const { out } = await flaghoist('alert', 'list');
  expect(out).toMatch(/^KIND +STATE +GROUP +ROLLOUT +AGENTS +RAISED +SUMMARY\n/);
  expect(out).toMatch(/config-failed +! active +edge +r1 +2 of 3 +1m ago +3 agents could not apply edge@7\\u001b/);
  expect(out).toMatch(/rollout-paused +✓ resolved +edge +r1 +- /);
  expect((await flaghoist('alert', 'list', '-o', 'name')).out).toBe('alert/n1\nalert/n2\n');
  expect((await flaghoist('alert', 'list', '--state', 'resolved', '-o', 'name')).out).toBe('alert/n2\n');
  expect((await flaghoist('alert', 'list', '--kind', 'config-failed', '-o', 'name')).out).toBe('alert/n1\n');
  expect((await flaghoist('alert', 'list', '--rollout', 'rollout/r1', '--group', 'edge', '-o', 'name')).out).toBe(
    'alert/n1\nalert/n2\n',
  );
  expect((await flaghoist('alert', 'list', '--group', 'other')).err).toBe('none\n');
  expect(JSON.parse((await flaghoist('alert', 'list', '-o', 'json')).out)).toEqual([alert, paused]);
  expect((await flaghoist('alert', 'list', '-o', 'wide')).out).toContain('edge@7');
  expect((await flaghoist('alert', 'list', '--kind', 'bogus')).code).toBe(2);
});

const MANIFEST = `apiVersion: flaghoist/v1
kind: Webhook
metadata: { name: oncall }
spec: { url: "https://example.com/hook", secret: { env: HOOK_SECRET }, events: ["alert.*"] }
`;

test('webhook: applied, unchanged when it is so, shown as what apply takes, tested', async () => {
  const apply = (input: string) => run(server.url, ['apply', '-f', '-'], { input });
  expect((await apply(MANIFEST)).out).toBe('webhook/oncall created\n');
  expect((await apply(MANIFEST)).out).toBe('webhook/oncall unchanged\n');
  const { out: shown } = await flaghoist('webhook', 'show', 'oncall', '-o', 'yaml');
  expect((await apply(shown)).out).toBe('webhook/oncall unchanged\n');
  expect(shown).not.toContain('delivered');
  expect((await flaghoist('webhook', 'show', 'webhook/oncall')).out).toMatch(/Delivered: +3\n/);
  expect((await flaghoist('webhook', 'list')).out).toMatch(/oncall +✓ ok +standard +alert\.\* +0 +3 +0/);
  expect(await flaghoist('webhook', 'test', 'oncall')).toMatchObject({
    code: 1,
    out: 'not delivered: it answered 410 (gone) (7 ms)\n',
  });
  expect((await apply(`${MANIFEST.slice(0, -3)}, format: slack }\n`)).out).toBe('webhook/oncall configured\n');
  expect(await flaghoist('webhook', 'test', 'oncall')).toMatchObject({
    code: 0,
    out: 'delivered: it answered 200 (12 ms)\n',
  });
  expect((await apply(MANIFEST.replace('https', 'url: x'))).code).toBe(2);
  expect((await flaghoist('webhook', 'show', 'none')).code).toBe(4);
});

test('webhook delete: asks, says what is lost with it, and only takes away what was looked at', async () => {
  await run(server.url, ['apply', '-f', '-'], { input: MANIFEST });
  const webhook = server.world.webhooks.get('oncall');
  if (webhook) server.world.webhooks.set('oncall', { ...webhook, waiting: 2 });
  const no = await run(server.url, ['webhook', 'delete', 'oncall'], { columns: 80, input: 'n\n' });
  expect(no).toMatchObject({ code: 1, err: expect.stringContaining('what waits for it (2 events)? [y/N]') });
  expect(server.world.webhooks.size).toBe(1);
  expect(await flaghoist('webhook', 'delete', 'webhook/oncall')).toMatchObject({
    code: 0,
    out: 'webhook/oncall deleted\n',
  });
  expect(server.world.webhooks.size).toBe(0);
  expect((await flaghoist('webhook', 'delete', 'oncall')).code).toBe(4);
});

test('alert list on a terminal of 80 columns: kind, group and rollout can be typed from it', async () => {
  const kind = 'rollout-rolled-back';
  server.world.alerts = [{ ...alert, kind, rollout: 'r9jq021mee3vn', group: 'gateways' }];
  const { out } = await run(server.url, ['alert', 'list'], { columns: 80, env: { NO_COLOR: '1' } });
  expect(out.split('\n')[1]).toBe('rollout-rolled-back  ! active  gateways  r9jq021mee3vn  2 of 3  1m ago  3 agent…');
});
