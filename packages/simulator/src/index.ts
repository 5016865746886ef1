/** A seeded simulated fleet that speaks OpAMP, and behaves as Supervisors with their collectors do. */
export { Fleet } from './fleet.ts';
export type { AgentRecord } from './record.ts';
export { parseScenario, type Scenario, ScenarioError, scenario } from './scenario.ts';
