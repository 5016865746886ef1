import type {
  AgentDescription,
  AgentToServer,
  ComponentDetails,
  ComponentHealth,
  EffectiveConfig,
  RemoteConfigStatus,
} from '../generated/opamp/v1/opamp_pb.js';
import type { Link } from './session.ts';

/** Parts that go through as they came; the last two act once and are never remembered (S-094). */
const otherParts = [
  'packageStatuses',
  'customCapabilities',
  'connectionSettingsStatus',
  'connectionSettingsRequest',
  'customMessage',
] as const;

/** What a message holds: each part replaces what was reported before (S-092), an absent one means unchanged (S-091). */
export type PartFact =
  | { readonly kind: 'description'; readonly description: AgentDescription }
  | { readonly kind: 'health'; readonly health: ComponentHealth }
  | { readonly kind: 'effective-config'; readonly effectiveConfig: EffectiveConfig }
  | { readonly kind: 'remote-config-status'; readonly status: RemoteConfigStatus }
  | {
      readonly kind: 'available-components';
      readonly hash: Uint8Array;
      /** None when only the hash was sent: a known map stays (S-246). */
      readonly components: Readonly<Record<string, ComponentDetails>> | undefined;
    }
  | { readonly kind: 'other'; readonly part: (typeof otherParts)[number]; readonly message: AgentToServer };

/**
 * Why an intent had no effect. `polls`: an HTTP agent cannot be reached before its next poll. `rate`: asked too
 * recently (S-097).
 */
export type Refusal = 'offline' | 'capability' | 'polls' | 'rate';

/**
 * What happened, as plain data in the protocol's words. Whether a part differs from what was reported before is for the
 * reader to find out (S-093).
 */
export type Fact =
  | PartFact
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected'; readonly reason: 'goodbye' | 'closed' | 'silent' }
  /** A new process of the agent (S-096); or messages are missing between what is known and this one (S-088). */
  | { readonly kind: 'reboot' | 'gap' }
  /** Changed bits of AgentCapabilities. */
  | { readonly kind: 'capabilities'; readonly capabilities: number }
  /** The message was complete: parts it does not hold, the agent does not have. */
  | { readonly kind: 'full-state' }
  /** Other agents use this uid; they have been given new ones (S-084, S-085). */
  | { readonly kind: 'conflict'; readonly intruders: readonly Link[] }
  | { readonly kind: 'refused'; readonly reason: Refusal };

/** The parts of a message. */
export function partFacts(message: AgentToServer): PartFact[] {
  const { agentDescription, health, effectiveConfig, remoteConfigStatus, availableComponents } = message;
  const facts: PartFact[] = [];
  if (agentDescription) facts.push({ kind: 'description', description: agentDescription });
  if (health) facts.push({ kind: 'health', health });
  if (effectiveConfig) facts.push({ kind: 'effective-config', effectiveConfig });
  if (remoteConfigStatus) facts.push({ kind: 'remote-config-status', status: remoteConfigStatus });
  if (availableComponents) {
    const { hash, components } = availableComponents;
    const known = Object.keys(components).length > 0;
    facts.push({ kind: 'available-components', hash, components: known ? components : undefined });
  }
  for (const part of otherParts) if (message[part]) facts.push({ kind: 'other', part, message });
  return facts;
}
