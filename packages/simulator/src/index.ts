/** A seeded simulated fleet that speaks OpAMP, and behaves as Supervisors with their collectors do. */
export { type AgentSettings, SimulatedAgent } from './agent.ts';
export { BEHAVIOURS, type Behaviour, type BehaviourKind, type BehaviourOptions } from './behaviour.ts';
export type { AgentEvent, Effect } from './effect.ts';
export { Fleet, type FleetOptions, startFleet } from './fleet.ts';
export { type AgentPlan, plan } from './plan.ts';
export type { AgentRecord, FleetEvent, OfferRecord, StatusRecord } from './record.ts';
export {
  type BehaviourShare,
  parseScenario,
  type Scenario,
  type ScenarioGroup,
  type ScenarioInput,
  scenario,
  type Transport,
} from './scenario.ts';
export { ScenarioError } from './scenario-fields.ts';
export type { FleetSummary } from './summary.ts';
