// The least that a server can do: decodes the same messages with the same library, answers each from a prepared buffer,
// and sends an offer to all when it is told to. No store, no logic. What a server costs above this is its own doing.
import {
  decodeAgentToServer,
  encodeRemoteConfig,
  encodeReply,
  RemoteConfigStatuses,
  uidFromBytes,
} from '@flaghoist/opamp';
import { type WebSocket, WebSocketServer } from 'ws';

/** Offers written without letting the loop go on. */
const SLICE = 250;

export interface Counted {
  readonly described: number;
  readonly applied: number;
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, clientTracking: false });
const sockets = new Map<WebSocket, Uint8Array>();
const counted = { described: 0, applied: 0 };

server.on('connection', (socket) => {
  let answer: Uint8Array | undefined;
  socket.on('error', () => socket.terminate());
  socket.on('close', () => sockets.delete(socket));
  socket.on('message', (data: Buffer) => {
    const message = decodeAgentToServer(data.subarray(1));
    if (message.agentDescription) counted.described += 1;
    if (message.remoteConfigStatus?.status === RemoteConfigStatuses.RemoteConfigStatuses_APPLIED) counted.applied += 1;
    if (answer === undefined) {
      answer = Buffer.concat([Uint8Array.of(0), ...encodeReply({ uid: uidFromBytes(message.instanceUid) })]);
      sockets.set(socket, message.instanceUid);
    }
    socket.send(answer);
  });
});

async function offer(body: string): Promise<void> {
  const hash = crypto.getRandomValues(new Uint8Array(32));
  const remoteConfig = encodeRemoteConfig({
    files: [{ name: '', body: new TextEncoder().encode(body), contentType: '' }],
    hash,
  });
  let written = 0;
  for (const [socket, uid] of sockets) {
    socket.send(Buffer.concat([Uint8Array.of(0), ...encodeReply({ uid: uidFromBytes(uid), remoteConfig })]));
    written += 1;
    if (written % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

process.on('message', (message: 'count' | 'read' | { readonly offer: string }) => {
  if (message === 'count') process.send?.(counted satisfies Counted);
  else if (message !== 'read') {
    counted.applied = 0;
    void offer(message.offer);
  }
});
server.on('listening', () => {
  const address = server.address();
  console.log(`ready ${typeof address === 'string' ? address : address?.port}`);
});
