// A server on our OpAMP library, behind the same door as ours, but without its laws: it offers what a test tells it to.
import { createHash } from 'node:crypto';
import {
  type AgentToServer,
  decodeAgentToServer,
  encodeRemoteConfig,
  encodeReply,
  RemoteConfigStatuses,
  uidFromBytes,
} from '../../packages/opamp/src/index.ts';
import type { AgentConnection, OpampListener } from '../../packages/opamp/src/node/index.ts';
import { createAgentListener } from '../../packages/server/src/gateway/listen.ts';
import { freePort, type Lab } from './lab.ts';

/** How fast newcomers are let in. */
type Pace = NonNullable<Parameters<typeof createAgentListener>[2]>;

export class LawlessServer {
  /** All that was heard, in order, with the time of its arrival in ms. */
  readonly heard: { readonly at: number; readonly message: AgentToServer }[] = [];
  readonly #port: number;
  #listener: OpampListener | undefined;
  #connection: AgentConnection | undefined;

  constructor(lab: Lab, port: number) {
    this.#port = port;
    lab.onClose(async () => this.#listener?.close());
  }

  url(scheme: 'ws' | 'http'): string {
    return `${scheme}://127.0.0.1:${this.#port}/v1/opamp`;
  }

  /** Opens the door, after closing it when it was open: who was connected is sent away. */
  async open(pace?: Pace): Promise<this> {
    await this.#listener?.close();
    const gateway = { message: this.#message.bind(this), closed: () => {} };
    this.#listener = createAgentListener(gateway, () => performance.now(), pace);
    await this.#listener.listen({ host: '127.0.0.1', port: this.#port });
    return this;
  }

  #message(connection: AgentConnection, payload: Uint8Array): void {
    const message = decodeAgentToServer(payload.slice());
    this.#connection = connection;
    this.heard.push({ at: performance.now(), message });
    connection.send(encodeReply({ uid: uidFromBytes(message.instanceUid) }));
  }

  /** Offers this text over WebSocket to who spoke last, or no file at all. Returns the hash. */
  offer(text: string | undefined): string {
    const body = new TextEncoder().encode(text);
    const hash = createHash('sha256')
      .update(text ?? 'no file')
      .digest();
    const files = text === undefined ? [] : [{ name: '', body, contentType: 'text/yaml' }];
    const last = this.heard.at(-1);
    if (last === undefined) throw new Error('nobody is there to be offered anything');
    const uid = uidFromBytes(last.message.instanceUid);
    this.#connection?.send(encodeReply({ uid, remoteConfig: encodeRemoteConfig({ files, hash }) }));
    return hash.toString('hex');
  }

  /** The remote config statuses heard since this many messages, and the hashes that they are about. */
  statuses(since = 0): { readonly hash: string; readonly status: string | undefined }[] {
    return this.heard.slice(since).flatMap(({ message: { remoteConfigStatus } }) => {
      if (remoteConfigStatus === undefined) return [];
      const { lastRemoteConfigHash, status } = remoteConfigStatus;
      return [
        {
          hash: Buffer.from(lastRemoteConfigHash).toString('hex'),
          status: RemoteConfigStatuses[status]?.split('_')[1],
        },
      ];
    });
  }

  /** What was reported last of one part of the agent's state. */
  latest<Part extends 'health' | 'effectiveConfig'>(part: Part): AgentToServer[Part] {
    return this.heard.findLast(({ message }) => message[part] !== undefined)?.message[part];
  }
}

export async function lawlessServer(lab: Lab): Promise<LawlessServer> {
  return new LawlessServer(lab, await freePort()).open();
}
