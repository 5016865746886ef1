import { create } from '@bufbuild/protobuf';
import {
  AgentCapabilities,
  type ConnectionSettingsOffers,
  ConnectionSettingsOffersSchema,
  ServerToAgentFlags,
} from '../generated/opamp/v1/opamp_pb.js';
import type { Reply } from '../reply.ts';
import type { Session } from './session.ts';

/** What the domain may want to tell an agent. */
export interface Offer
  extends Pick<
    Reply,
    'remoteConfig' | 'connectionSettings' | 'packagesAvailable' | 'customCapabilities' | 'customMessage'
  > {
  /** Ask for the component map (S-243). */
  readonly askComponents?: boolean | undefined;
}

const bits = AgentCapabilities;

/** Whether the agent stated this capability. Before its first statement it has none (S-276). */
export function can(session: Session, bit: AgentCapabilities): boolean {
  return ((session.capabilities ?? 0) & bit) !== 0;
}

/**
 * The reply with as much of the offer as the agent's capabilities allow (S-068, S-113, S-131). The same reference comes
 * back when nothing can be attached: nothing is allowed; or the reply is an error or a command, which travel alone
 * (S-053, S-230); or it gives a new uid, and the offer has to wait for who comes back with it.
 */
export function attach(session: Session, reply: Reply, offer: Offer): Reply {
  if (reply.error !== undefined || reply.command !== undefined || reply.newUid !== undefined) return reply;
  const allowed: { -readonly [Key in keyof Reply]?: Reply[Key] } = {};
  const { remoteConfig, packagesAvailable, customCapabilities, customMessage } = offer;
  if (remoteConfig && can(session, bits.AgentCapabilities_AcceptsRemoteConfig))
    allowed.remoteConfig = remoteConfig;
  if (packagesAvailable && can(session, bits.AgentCapabilities_AcceptsPackages)) {
    allowed.packagesAvailable = packagesAvailable;
  }
  const settings = offer.connectionSettings && allowedSettings(session, offer.connectionSettings);
  if (settings) allowed.connectionSettings = settings;
  if (customCapabilities) allowed.customCapabilities = customCapabilities;
  if (customMessage && session.customCapabilities.includes(customMessage.capability)) {
    allowed.customMessage = customMessage;
  }
  if (offer.askComponents && can(session, bits.AgentCapabilities_ReportsAvailableComponents)) {
    allowed.flags = (reply.flags ?? 0) | ServerToAgentFlags.ServerToAgentFlags_ReportAvailableComponents;
  }
  return Object.keys(allowed).length === 0 ? reply : { ...reply, ...allowed };
}

/** The classes of an offer that the agent declared; an absent class means unchanged, so leaving out is safe (S-133). */
function allowedSettings(
  session: Session,
  offer: ConnectionSettingsOffers,
): ConnectionSettingsOffers | undefined {
  const { hash, opamp, ownTraces, ownMetrics, ownLogs, otherConnections } = offer;
  const others = Object.keys(otherConnections).length > 0;
  const classes = {
    ...(opamp && can(session, bits.AgentCapabilities_AcceptsOpAMPConnectionSettings) && { opamp }),
    ...(ownTraces && can(session, bits.AgentCapabilities_ReportsOwnTraces) && { ownTraces }),
    ...(ownMetrics && can(session, bits.AgentCapabilities_ReportsOwnMetrics) && { ownMetrics }),
    ...(ownLogs && can(session, bits.AgentCapabilities_ReportsOwnLogs) && { ownLogs }),
    ...(others &&
      can(session, bits.AgentCapabilities_AcceptsOtherConnectionSettings) && { otherConnections }),
  };
  if (Object.keys(classes).length === 0) return undefined;
  return create(ConnectionSettingsOffersSchema, { hash, ...classes });
}
