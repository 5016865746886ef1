import { type InstanceUid, newUuidV7 } from '@flaghoist/opamp';
import { type Behaviour, good, needsWebSocket } from './behaviour.ts';
import { Random } from './random.ts';
import { type Scenario, type ScenarioGroup, sharedAgents, type Transport } from './scenario.ts';

/** Everything about one agent that is decided before it starts. */
export interface AgentPlan {
  readonly index: number;
  readonly group: ScenarioGroup;
  /** Its host name: `edge-0007`. */
  readonly name: string;
  readonly uid: InstanceUid;
  readonly transport: Transport;
  readonly behaviour: Behaviour;
  /** Loopback port between Supervisor and collector. */
  readonly port: number;
  /** Process id of the Supervisor; its collectors get higher ones. */
  readonly pid: number;
}

/** Instance uids say that the agents were made in the 30 days after this. */
const EPOCH = Date.UTC(2026, 0, 1);
const MADE_WITHIN = 30 * 24 * 3_600_000;

/** The agents of a scenario, in the order of its groups. The same scenario gives the same agents. */
export function plan(scenario: Scenario): readonly AgentPlan[] {
  const plans: AgentPlan[] = [];
  scenario.groups.forEach((group, g) => {
    const behaviours = assign(group, new Random(scenario.seed, -1 - g));
    for (const [position, behaviour] of behaviours.entries()) {
      plans.push(planAgent(scenario.seed, plans.length, group, position, behaviour));
    }
  });
  return withTwins(plans);
}

function planAgent(
  seed: number,
  index: number,
  group: ScenarioGroup,
  position: number,
  behaviour: Behaviour,
): AgentPlan {
  const random = new Random(seed, index);
  const made = EPOCH + Math.floor(random.next() * MADE_WITHIN);
  const uid = newUuidV7(made, random.bytes(10));
  const either = random.next() < 0.5 ? 'websocket' : 'http';
  const transport = group.transport === 'mixed' ? either : group.transport;
  return {
    index,
    group,
    name: `${group.name}-${String(position).padStart(4, '0')}`,
    uid,
    transport: needsWebSocket(behaviour.kind) ? 'websocket' : transport,
    behaviour,
    port: random.int(32_768, 61_000),
    pid: random.int(10_000, 32_768),
  };
}

/** Named positions first, then the counts and shares over the others in random order. */
function assign(group: ScenarioGroup, random: Random): Behaviour[] {
  const behaviours: Behaviour[] = new Array(group.count).fill(good);
  const named = new Set(group.behaviours.flatMap(({ at = [] }) => at));
  const free = random.shuffle(behaviours.map((_, position) => position).filter((position) => !named.has(position)));
  for (const share of group.behaviours) {
    const positions = share.at ?? free.splice(0, sharedAgents(share, group.count));
    for (const position of positions) behaviours[position] = share.behaviour;
  }
  return behaviours;
}

/** Every second clone of a group takes the uid of the one before. */
function withTwins(plans: readonly AgentPlan[]): AgentPlan[] {
  const single = new Map<string, AgentPlan>();
  return plans.map((agent) => {
    if (agent.behaviour.kind !== 'clone') return agent;
    const first = single.get(agent.group.name);
    if (first === undefined) single.set(agent.group.name, agent);
    else single.delete(agent.group.name);
    return first === undefined ? agent : { ...agent, uid: first.uid };
  });
}
