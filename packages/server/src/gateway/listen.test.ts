import type { AgentConnection } from '@flaghoist/opamp/node';
import { expect, it } from 'vitest';
import { connectWebSocket } from '../../../opamp/test/client.ts';
import { createAgentListener } from './listen.ts';

it('a herd is told by 503 when its turn is, on both transports, and only then: S-266, S-267, S-269, R9', async () => {
  let now = 1_000_000;
  const served: string[] = [];
  const gateway = {
    message: (connection: AgentConnection) => {
      served.push(connection.link.transport);
      connection.send([Uint8Array.of()]);
    },
    closed: () => {},
  };
  const listener = createAgentListener(gateway, () => now, { perSecond: 0.5, burst: 1 });
  const { host, port } = await listener.listen({ host: '127.0.0.1', port: 0 });
  const at = `${host}:${port}/v1/opamp`;
  const post = async () => {
    const headers = { 'Content-Type': 'application/x-protobuf' };
    const answer = await fetch(`http://${at}`, { method: 'POST', headers, body: Uint8Array.of() });
    return [answer.status, answer.headers.get('Retry-After')];
  };
  const connect = () =>
    connectWebSocket(`ws://${at}`, { message: () => {}, closed: () => {} }).then(
      () => 'open',
      (error: Error) => error.message,
    );

  expect([await post(), await connect()]).toEqual([[200, null], 'open']);
  expect([await post(), await connect()]).toEqual([[503, '2'], expect.stringContaining('503')]);
  expect(await post()).toEqual([503, '4']);
  now += 2_000;
  expect([await post(), await connect()]).toEqual([[200, null], 'open']);
  expect(served).toEqual(['http', 'http']);
  await listener.close();
});
