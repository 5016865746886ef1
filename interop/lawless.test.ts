// What our server never does, done to real Supervisors: why the pull law, I8 and the virtual queue are as they are.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkText } from '@flaghoist/fleet';
import { beforeAll, describe, expect, test } from 'vitest';
import { collectorConfig } from './harness/collector-config.ts';
import { freePort, useLab } from './harness/lab.ts';
import { type LawlessServer, lawlessServer } from './harness/lawless-server.ts';
import { type OtlpSink, otlpSink } from './harness/otlp.ts';
import { APPLY_TIMEOUT_MS, Supervisor, startSupervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

const lab = useLab();
let primary: OtlpSink;
beforeAll(async () => {
  primary = await otlpSink(lab);
});

const config = (marker: string): string => collectorConfig({ exporters: { 'otlp/primary': primary }, marker });

/** A Supervisor on a server of its own. */
async function start(name: string): Promise<[Supervisor, LawlessServer]> {
  const server = await lawlessServer(lab);
  const supervisor = await startSupervisor(lab, { name, role: name, endpoint: server.url('ws') });
  await until(`${name} is healthy`, () => server.latest('health')?.healthy);
  return [supervisor, server];
}

/** Waits for the next verdict about this hash after `since` messages. */
async function verdict(server: LawlessServer, hash: string, since: number): Promise<string | undefined> {
  const { status } = await until(`a verdict about ${hash}`, () =>
    server.statuses(since).find((each) => each.hash === hash && each.status !== 'APPLYING'),
  );
  return status;
}

describe.concurrent('an offer of an empty map (I8)', () => {
  test('stops the Collector: APPLIED and healthy with nothing running, the old effective config, also after a restart', async () => {
    const [supervisor, server] = await start('stopped');
    const first = server.offer(config('first'));
    expect(await verdict(server, first, 0)).toBe('APPLIED');
    const since = server.heard.length;
    const none = server.offer(undefined);
    expect(await verdict(server, none, since)).toBe('APPLIED');
    await until('it says healthy', () => server.heard.slice(since).some(({ message }) => message.health?.healthy));
    expect(supervisor.collectorPid()).toBeUndefined();
    const effective = server.latest('effectiveConfig')?.configMap?.configMap['']?.body;
    expect(Buffer.from(effective ?? '').toString()).toContain('first');

    // It keeps to that without a server's help, but calls it unhealthy then.
    await supervisor.kill('SIGKILL');
    const before = server.heard.length;
    supervisor.start();
    await until('it is back', () => server.statuses(before).length > 0);
    await sleep(2_000);
    expect(server.statuses(before)).toEqual([{ hash: none, status: 'APPLIED' }]);
    expect(server.latest('health')).toMatchObject({ healthy: false, lastError: '' });
    expect(supervisor.collectorPid()).toBeUndefined();

    const again = server.offer(config('again'));
    expect(await verdict(server, again, before)).toBe('APPLIED');
    expect(supervisor.collectorPid()).toBeDefined();
  });
});

describe.concurrent('an offer of what the YAML of Go cannot read', () => {
  test('is FAILED in its words and leaves the Collector alone, but is stored: the Supervisor does not start any more', async () => {
    const [supervisor, server] = await start('unread');
    const first = server.offer(config('first'));
    expect(await verdict(server, first, 0)).toBe('APPLIED');
    const collector = supervisor.collectorPid();
    // An escape of YAML 1.2, which nobody may save here.
    const body = config('unread').replace('value: "unread"', 'value: "un\\/read"');
    expect(checkText({ '': { body, contentType: 'text/yaml' } })).toMatchObject([{ rule: 'yaml-syntax' }]);
    const hash = server.offer(body);
    expect(await verdict(server, hash, 0)).toBe('FAILED');
    expect(supervisor.refusals()).toEqual([expect.stringMatching(/^yaml: line \d+: found unknown escape character$/)]);
    expect(supervisor.collectorPid()).toBe(collector);

    await supervisor.kill('SIGKILL');
    supervisor.start();
    await until('it ends', () => !supervisor.running);
    expect(supervisor.log()).toContain('failed loading initial config: could not compose initial merged config: yaml:');
  });
});

describe.concurrent('a repeated offer (I5)', () => {
  test('of what crashes the Collector is answered APPLIED, while it crashes', async () => {
    const [supervisor, server] = await start('crashing');
    const bad = config('bad').replaceAll('otlp/primary', 'kafka/unknown');
    const hash = server.offer(bad);
    expect(await verdict(server, hash, 0)).toBe('FAILED');
    const since = server.heard.length;
    const offered = performance.now();
    server.offer(bad);
    expect(await verdict(server, hash, since)).toBe('APPLIED');
    expect(performance.now() - offered).toBeLessThan(APPLY_TIMEOUT_MS);
    expect(supervisor.persisted()).toEqual({ hash, status: 'APPLIED' });
    const crashed = ({ message }: LawlessServer['heard'][number]) =>
      message.health?.lastError.includes('exited unexpectedly');
    await until('it crashes again', () => server.heard.slice(since).some(crashed));
    expect(server.statuses(since)).toHaveLength(1);
  });

  test('within config_apply_timeout is answered APPLIED before anything is known', async () => {
    const [, server] = await start('hasty');
    const offered = performance.now();
    const hash = server.offer(config('hasty'));
    await until('it says APPLYING', () => server.statuses().some(({ status }) => status === 'APPLYING'), {
      everyMs: 10,
    });
    server.offer(config('hasty'));
    expect(await verdict(server, hash, 0)).toBe('APPLIED');
    expect(performance.now() - offered).toBeLessThan(APPLY_TIMEOUT_MS);
  });
});

describe.concurrent('503 with Retry-After (R9)', () => {
  const PLACE_MS = 3_000;
  const pace = { perSecond: 1_000 / PLACE_MS, burst: 1 };

  test('over WebSocket is obeyed: of two that come back at once, one waits for the turn that it was told', async () => {
    const [one, server] = await start('one');
    const two = await startSupervisor(lab, { name: 'two', role: 'two', endpoint: server.url('ws') });
    await until('both are there', () =>
      [one, two].every((each) => each.logged('Connected to the server').length === 1),
    );
    await server.open(pace);
    const both = [one, two];
    await until('both are back', () => both.every((each) => each.logged('Connected to the server').length === 2));
    const refused = both.flatMap((each) => {
      const [refusal] = each.logged('Server responded with status=503');
      const back = each.logged('Connected to the server')[1];
      return refusal && back ? [Number(back['ts']) - Number(refusal['ts'])] : [];
    });
    expect(refused).toHaveLength(1);
    expect(refused[0]).toBeGreaterThanOrEqual(PLACE_MS / 1_000 - 0.1);
    expect(refused[0]).toBeLessThan(PLACE_MS / 1_000 + 3);
    expect(both.map((each) => each.logged('Server responded with status=503').length).sort()).toEqual([0, 1]);
  });

  test('over HTTP is obeyed: the refused report comes again at its turn, and later ones behind it; none is lost', async () => {
    const server = await lawlessServer(lab);
    await server.open(pace);
    const endpoint = server.url('http');
    const supervisor = await startSupervisor(lab, { name: 'polling', role: 'polling', endpoint });
    await until('its health is told', () => server.latest('health')?.healthy);
    const refusals = supervisor.logged('Failed to do HTTP request (server response code=503)');
    expect(refusals.length).toBeGreaterThan(0);
    const { heard } = server;
    expect(heard.map(({ message }) => Number(message.sequenceNum))).toEqual([...heard.keys()]);
    for (const [i, { at }] of heard.entries())
      expect(at - (heard[i - 1]?.at ?? -PLACE_MS)).toBeGreaterThan(PLACE_MS - 100);
  });
});

describe.concurrent('a server that lets in and hangs up', () => {
  test('is dialled again at once, without any backoff: so refusals come before the upgrade', async () => {
    let dials = 0;
    const server = createServer().on('upgrade', ({ headers }, socket) => {
      dials += 1;
      const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
      const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${guid}`).digest('base64');
      socket
        .on('error', () => {})
        .end(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    lab.onClose(async () => void server.close());
    const endpoint = `ws://127.0.0.1:${port}/v1/opamp`;
    const supervisor = new Supervisor(lab, { name: 'redialling', role: 'redialling', endpoint }, await freePort());
    supervisor.start();
    // The backoff after a refusal begins at half a second: it would take minutes for as many.
    await until('it has dialled a hundred times', () => dials >= 100, { everyMs: 5 });
    const before = dials;
    await sleep(1_000);
    expect(dials - before).toBeGreaterThan(20);
    await supervisor.stop();
  });
});
