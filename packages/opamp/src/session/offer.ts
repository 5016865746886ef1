import { AgentCapabilities as Bits, ServerToAgentFlags } from '../generated/opamp/v1/opamp_pb.js';
import type { EncodedRemoteConfig } from '../remote-config.ts';
import type { Reply } from '../reply.ts';
import type { Delivery } from './answer.ts';
import type { Session } from './session.ts';

/** What the domain may want to tell an agent. */
export interface Offer {
  /** A configuration to run. */
  readonly remoteConfig?: EncodedRemoteConfig | undefined;
  /** Ask for the component map (S-243). */
  readonly askComponents?: boolean | undefined;
}

/** Whether the agent stated this capability. Before its first statement it has none (S-276). */
export function can(session: Session, bit: Bits): boolean {
  return ((session.capabilities ?? 0) & bit) !== 0;
}

/**
 * The reply with as much of the offer as the agent's capabilities allow (S-068, S-113). The same reference comes back
 * when nothing can be attached: nothing is allowed; or the reply is a command, which travels alone (S-230); or it gives a
 * new uid, and the offer has to wait for who comes back with it.
 */
export function attach(session: Session, reply: Reply, { remoteConfig, askComponents = false }: Offer): Reply {
  if (reply.command !== undefined || reply.newUid !== undefined) return reply;
  const config = remoteConfig !== undefined && can(session, Bits.AgentCapabilities_AcceptsRemoteConfig);
  const ask = askComponents && can(session, Bits.AgentCapabilities_ReportsAvailableComponents);
  if (!config && !ask) return reply;
  const flag = ServerToAgentFlags.ServerToAgentFlags_ReportAvailableComponents;
  return { ...reply, ...(config && { remoteConfig }), ...(ask && { flags: (reply.flags ?? 0) | flag }) };
}

/**
 * The offer as a message of its own, which changes nothing in the session. `undefined` when nothing of it can be
 * attached, or no WebSocket is open: over HTTP attach it to the next answer (S-034).
 */
export function push(session: Session, offer: Offer): Delivery | undefined {
  const { uid, link } = session;
  const nothing: Reply = { uid };
  const reply = attach(session, nothing, offer);
  return link?.transport === 'websocket' && reply !== nothing ? { link, reply } : undefined;
}
