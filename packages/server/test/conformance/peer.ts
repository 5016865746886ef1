/** An agent of few words: each message gets its answer looked at, over either transport. */
import { type AgentToServer, decodeServerToAgent, encodeAgentToServer, type ServerToAgent } from '@flaghoist/opamp';
import type { MemoryAgent } from '@flaghoist/opamp/testing';
import { connectWebSocket, httpExchange } from '../../../opamp/test/client.ts';
import { type AgentOptions, type Lab, LabAgent, until } from '../lab.ts';

export const TRANSPORTS = ['websocket', 'http'] as const;
export type Transport = (typeof TRANSPORTS)[number];

export interface Peer extends AsyncDisposable {
  readonly agent: MemoryAgent;
  /** Sends a message; resolves to the first answer after it. */
  say(message: AgentToServer): Promise<ServerToAgent>;
  /** Says it, obeys everything that was heard, and says what follows from that; resolves to all that came meanwhile. */
  talk(message: AgentToServer): Promise<ServerToAgent[]>;
  /** Everything that came, in order. */
  readonly heard: readonly ServerToAgent[];
}

export async function peer(lab: Lab, transport: Transport, options: AgentOptions = {}): Promise<Peer> {
  const agent = new LabAgent(lab, options);
  const heard: ServerToAgent[] = [];
  const endpoint = `${transport === 'http' ? 'http' : 'ws'}://${lab.server.addresses.opamp}/v1/opamp`;
  const socket =
    transport === 'http'
      ? undefined
      : await connectWebSocket(endpoint, {
          message: (payload) => heard.push(decodeServerToAgent(payload)),
          closed: () => {},
        });
  const say = async (message: AgentToServer): Promise<ServerToAgent> => {
    const before = heard.length;
    const bytes = encodeAgentToServer(message);
    if (socket === undefined) heard.push(decodeServerToAgent((await httpExchange(endpoint, bytes)).payload));
    else socket.send(bytes);
    const answers = await until(
      () => heard.slice(before),
      ({ length }) => length > 0,
    );
    return answers[0] as ServerToAgent;
  };
  let obeyed = 0;
  const talk = async (message: AgentToServer): Promise<ServerToAgent[]> => {
    const before = heard.length;
    await say(message);
    for (let next = heard[obeyed]; next !== undefined; next = heard[obeyed]) {
      obeyed += 1;
      for (const reply of agent.receive(next)) await say(reply);
    }
    return heard.slice(before);
  };
  return { agent, say, talk, heard, [Symbol.asyncDispose]: async () => socket?.terminate() };
}
