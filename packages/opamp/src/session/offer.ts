import { create } from '@bufbuild/protobuf';
import {
  AgentCapabilities as Bits,
  type ConnectionSettingsOffers,
  ConnectionSettingsOffersSchema,
  ServerToAgentFlags,
} from '../generated/opamp/v1/opamp_pb.js';
import type { Reply } from '../reply.ts';
import type { Session } from './session.ts';

/** What the domain may want to tell an agent. */
export interface Offer extends Omit<Reply, 'uid' | 'capabilities' | 'flags' | 'newUid' | 'error' | 'command'> {
  /** Ask for the component map (S-243). */
  readonly askComponents?: boolean | undefined;
}

/** Whether the agent stated this capability. Before its first statement it has none (S-276). */
export function can(session: Session, bit: Bits): boolean {
  return ((session.capabilities ?? 0) & bit) !== 0;
}

/**
 * The reply with as much of the offer as the agent's capabilities allow (S-068, S-113, S-131). The same reference comes
 * back when nothing can be attached: nothing is allowed; or the reply is an error or a command, which travel alone
 * (S-053, S-230); or it gives a new uid, and the offer has to wait for who comes back with it.
 */
export function attach(session: Session, reply: Reply, offer: Offer): Reply {
  if (reply.error !== undefined || reply.command !== undefined || reply.newUid !== undefined) return reply;
  const { remoteConfig, packagesAvailable, customCapabilities, customMessage } = offer;
  const connectionSettings = offer.connectionSettings && allowedSettings(session, offer.connectionSettings);
  const components = ServerToAgentFlags.ServerToAgentFlags_ReportAvailableComponents;
  const allowed: Partial<Reply> = {
    ...(remoteConfig && can(session, Bits.AgentCapabilities_AcceptsRemoteConfig) && { remoteConfig }),
    ...(packagesAvailable && can(session, Bits.AgentCapabilities_AcceptsPackages) && { packagesAvailable }),
    ...(connectionSettings && { connectionSettings }),
    ...(customCapabilities && { customCapabilities }),
    ...(customMessage && session.customCapabilities.includes(customMessage.capability) && { customMessage }),
    ...(offer.askComponents &&
      can(session, Bits.AgentCapabilities_ReportsAvailableComponents) && {
        flags: (reply.flags ?? 0) | components,
      }),
  };
  return Object.keys(allowed).length === 0 ? reply : { ...reply, ...allowed };
}

const settingsBits = {
  opamp: Bits.AgentCapabilities_AcceptsOpAMPConnectionSettings,
  ownTraces: Bits.AgentCapabilities_ReportsOwnTraces,
  ownMetrics: Bits.AgentCapabilities_ReportsOwnMetrics,
  ownLogs: Bits.AgentCapabilities_ReportsOwnLogs,
  otherConnections: Bits.AgentCapabilities_AcceptsOtherConnectionSettings,
} as const;

/** The classes of an offer that the agent declared; an absent class means unchanged, so leaving out is safe (S-133). */
function allowedSettings(session: Session, offer: ConnectionSettingsOffers) {
  const names = Object.keys(settingsBits) as (keyof typeof settingsBits)[];
  const classes = names.filter((name) => can(session, settingsBits[name]) && Object.keys(offer[name] ?? {}).length > 0);
  if (classes.length === 0) return undefined;
  const kept = Object.fromEntries(classes.map((name) => [name, offer[name]]));
  return create(ConnectionSettingsOffersSchema, { hash: offer.hash, ...kept });
}
