import type {
  AgentDescription,
  AgentToServer,
  ComponentDetails,
  ComponentHealth,
  ConnectionSettingsRequest,
  ConnectionSettingsStatus,
  CustomMessage,
  EffectiveConfig,
  PackageStatuses,
  RemoteConfigStatus,
} from '../generated/opamp/v1/opamp_pb.js';
import type { InstanceUid } from '../instance-uid.ts';
import type { Link } from './session.ts';

/** The parts of an agent's state that a message can hold; absent means unchanged (S-091). */
export type StateFact =
  | { readonly kind: 'description'; readonly description: AgentDescription }
  | { readonly kind: 'health'; readonly health: ComponentHealth }
  | { readonly kind: 'effective-config'; readonly effectiveConfig: EffectiveConfig }
  | { readonly kind: 'remote-config-status'; readonly status: RemoteConfigStatus }
  | { readonly kind: 'package-statuses'; readonly statuses: PackageStatuses }
  | { readonly kind: 'custom-capabilities'; readonly capabilities: readonly string[] }
  | { readonly kind: 'connection-settings-status'; readonly status: ConnectionSettingsStatus }
  | {
      readonly kind: 'available-components';
      readonly hash: Uint8Array;
      /** None when only the hash was sent: a known map stays (S-246). */
      readonly components: Readonly<Record<string, ComponentDetails>> | undefined;
    };

/**
 * Why an intent had no effect. `polls`: an HTTP agent cannot be reached before its next poll. `rate`: asked too
 * recently (S-097).
 */
export type Refusal = 'offline' | 'capability' | 'polls' | 'rate';

/** What can be refused. */
export type Refusable = 'ask-full-state' | 'ask-components' | 'restart' | 'reassign' | 'offer';

/**
 * What happened, as plain data in the protocol's words. A state fact says what was reported and replaces what was
 * reported before (S-092); whether it differs is for the reader to find out (S-093).
 */
export type Fact =
  | StateFact
  | { readonly kind: 'connected'; readonly epoch: string; readonly transport: Link['transport'] }
  | { readonly kind: 'disconnected'; readonly reason: 'goodbye' | 'closed' | 'silent' }
  /** The number fell back to 0 or 1: a new process of the agent (S-096). */
  | { readonly kind: 'rebooted' }
  /** Messages are missing between what is known and this one (S-088). */
  | { readonly kind: 'gap'; readonly expected: bigint; readonly received: bigint }
  /** Changed bits of AgentCapabilities. */
  | { readonly kind: 'capabilities'; readonly capabilities: number }
  /** The message was complete: parts it does not hold, the agent does not have. */
  | { readonly kind: 'full-state'; readonly epoch: string; readonly parts: readonly StateFact['kind'][] }
  | { readonly kind: 'connection-settings-request'; readonly request: ConnectionSettingsRequest }
  | { readonly kind: 'custom-message'; readonly message: CustomMessage }
  /** Answer with a `reassign`. */
  | { readonly kind: 'uid-requested' }
  | { readonly kind: 'reassigned'; readonly newUid: InstanceUid }
  /** The agent goes on with the uid it was told to leave. */
  | { readonly kind: 'reassign-ignored'; readonly newUid: InstanceUid }
  /** Two agents use this uid: `evict` the intruder, the newer of the two (S-084). */
  | { readonly kind: 'conflict'; readonly intruder: Link }
  | { readonly kind: 'restart-sent' }
  | { readonly kind: 'refused'; readonly intent: Refusable; readonly reason: Refusal };

/** The state facts in a message, in the order of its fields. */
export function stateFacts(message: AgentToServer): StateFact[] {
  const facts: StateFact[] = [];
  if (message.agentDescription) facts.push({ kind: 'description', description: message.agentDescription });
  if (message.health) facts.push({ kind: 'health', health: message.health });
  if (message.effectiveConfig)
    facts.push({ kind: 'effective-config', effectiveConfig: message.effectiveConfig });
  if (message.remoteConfigStatus)
    facts.push({ kind: 'remote-config-status', status: message.remoteConfigStatus });
  if (message.packageStatuses) facts.push({ kind: 'package-statuses', statuses: message.packageStatuses });
  if (message.customCapabilities) {
    facts.push({ kind: 'custom-capabilities', capabilities: message.customCapabilities.capabilities });
  }
  if (message.availableComponents) {
    const { hash, components } = message.availableComponents;
    const known = Object.keys(components).length > 0;
    facts.push({ kind: 'available-components', hash, components: known ? components : undefined });
  }
  if (message.connectionSettingsStatus) {
    facts.push({ kind: 'connection-settings-status', status: message.connectionSettingsStatus });
  }
  return facts;
}

/** What acts once, through the message that carries it, and is never remembered (S-094). */
export function oneShotFacts(message: AgentToServer): Fact[] {
  const facts: Fact[] = [];
  if (message.connectionSettingsRequest) {
    facts.push({ kind: 'connection-settings-request', request: message.connectionSettingsRequest });
  }
  if (message.customMessage) facts.push({ kind: 'custom-message', message: message.customMessage });
  return facts;
}
