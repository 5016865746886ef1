import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { maskedFrame } from './masked-frame.ts';

test('frames of every length are read by another implementation', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const connected = once(server, 'connection');
  const [{ socket }] = await once(client, 'upgrade');
  const [peer] = await connected;
  for (const length of [0, 1, 5, 124, 125, 126, 300, 65_534, 65_535, 70_001]) {
    const payload = Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31) & 0xff));
    const heard = once(peer, 'message');
    socket.write(maskedFrame([payload.subarray(0, length >> 1), payload.subarray(length >> 1)]));
    const [data, isBinary] = await heard;
    expect(isBinary).toBe(true);
    expect(Buffer.compare(data, Buffer.concat([Buffer.of(0), payload]))).toBe(0);
  }
  client.terminate();
  server.close();
});
