import { AgentCapabilities as Bits, type InstanceUid } from '@flaghoist/opamp';
import type { BehaviourKind } from './behaviour.ts';
import type { Composer } from './composer.ts';
import type { AgentPlan } from './plan.ts';
import { Random } from './random.ts';
import { newRecord } from './record.ts';
import type { Scenario } from './scenario.ts';
import { Timers } from './timers.ts';

/** A message in pieces, to be joined. */
export type Payload = readonly Uint8Array[];

/** The sockets of one agent. What comes of it is told to the agent later, never before the call returns. */
export interface Link {
  /** Open the WebSocket: `opened`, or `lost`. */
  connect(): void;
  /** Send over the open WebSocket. */
  send(payload: Payload): void;
  /** POST: `answered`, or `lost`. Never while another one is under way. */
  post(payload: Payload, uid: InstanceUid): void;
  /** Close the WebSocket in good order with 1000. */
  close(): void;
  /** Break off the connection or request without a word, and without an event. */
  drop(): void;
  /** Read nothing more from the WebSocket. */
  stopReading(): void;
}

/** What a Supervisor with everything switched on advertises that this one can do. */
const CAPABILITIES =
  Bits.AgentCapabilities_ReportsStatus |
  Bits.AgentCapabilities_AcceptsRemoteConfig |
  Bits.AgentCapabilities_ReportsEffectiveConfig |
  Bits.AgentCapabilities_ReportsOwnMetrics |
  Bits.AgentCapabilities_AcceptsRestartCommand |
  Bits.AgentCapabilities_ReportsHealth |
  Bits.AgentCapabilities_ReportsRemoteConfig |
  Bits.AgentCapabilities_ReportsHeartbeat |
  Bits.AgentCapabilities_ReportsAvailableComponents;

const LACKS: Partial<Record<BehaviourKind, Bits>> = {
  'no-remote-config': Bits.AgentCapabilities_AcceptsRemoteConfig | Bits.AgentCapabilities_ReportsRemoteConfig,
  'no-status': Bits.AgentCapabilities_ReportsRemoteConfig,
  'no-effective': Bits.AgentCapabilities_ReportsEffectiveConfig,
};

/** What the parts of one agent have in common. @param composer one for all agents of a group */
export function newLife(plan: AgentPlan, scenario: Scenario, composer: Composer, link: Link) {
  return {
    plan,
    scenario,
    composer,
    link,
    /** Bits of AgentCapabilities. */
    capabilities: CAPABILITIES & ~(LACKS[plan.behaviour.kind] ?? 0),
    random: new Random(scenario.seed, `life of ${plan.name}`),
    timers: new Timers(scenario.timeScale),
    record: newRecord(plan),
  };
}

export type Life = Readonly<ReturnType<typeof newLife>>;
