import type { AgentToServer } from '../generated/opamp/v1/opamp_pb.js';

/** The agent's state as far as a server has use for it; other parts are taken in and ignored. */
const parts = [
  'agentDescription',
  'health',
  'effectiveConfig',
  'remoteConfigStatus',
  'availableComponents',
] as const satisfies readonly (keyof AgentToServer)[];

/** A part that a message holds: it replaces what was reported before (S-092), an absent one means unchanged (S-091). */
type PartFact = {
  [Part in (typeof parts)[number]]: { readonly kind: Part; readonly value: NonNullable<AgentToServer[Part]> };
}[(typeof parts)[number]];

/** Why an intent had no effect. `rate`: asked too recently (S-097). */
export type Refusal = 'offline' | 'capability' | 'rate';

/**
 * What happened, as plain data in the protocol's words. Whether a part differs from what was reported before is for the
 * reader to find out (S-093).
 */
export type Fact =
  | PartFact
  | { readonly kind: 'connected' | 'disconnected' }
  /** A new process of the agent (S-096); or messages are missing between what is known and this one (S-088). */
  | { readonly kind: 'reboot' | 'gap' }
  /** Changed bits of AgentCapabilities. */
  | { readonly kind: 'capabilities'; readonly capabilities: number }
  /** The message was complete: parts it does not hold, the agent does not have. */
  | { readonly kind: 'full-state' }
  /** Other agents use this uid; they have been given new ones (S-084, S-085). */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'refused'; readonly reason: Refusal };

/** The parts of a message. */
export function partFacts(message: AgentToServer): PartFact[] {
  return parts.flatMap((kind) => (message[kind] ? [{ kind, value: message[kind] } as PartFact] : []));
}
