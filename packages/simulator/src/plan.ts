import { hash } from 'node:crypto';
import { type InstanceUid, newUuidV7 } from '@flaghoist/opamp';
import { type Behaviour, good, NEEDS_WEBSOCKET } from './behaviour.ts';
import { Random } from './random.ts';
import type { Scenario, ScenarioGroup } from './scenario.ts';

/** Everything about one agent that is decided before it starts. */
export interface AgentPlan {
  readonly group: ScenarioGroup;
  /** Its host name: `edge-0007`. */
  readonly name: string;
  readonly uid: InstanceUid;
  readonly transport: 'websocket' | 'http';
  readonly behaviour: Behaviour;
  /** Loopback port between Supervisor and collector, of five digits. */
  readonly port: number;
  /** Process id of the Supervisor, of five digits; its collectors get higher ones. */
  readonly pid: number;
}

/** Instance uids say that the agents were made in the weeks after this. */
const EPOCH = Date.UTC(2026, 0, 1);

/** All names of a group are of one length. */
export function agentName({ name, count }: ScenarioGroup, position: number): string {
  return `${name}-${String(position).padStart(Math.max(4, String(count - 1).length), '0')}`;
}

/** The agents of a scenario, in the order of its groups. The same scenario gives the same agents. */
export function plan({ seed, groups }: Scenario): readonly AgentPlan[] {
  return groups.flatMap((group) => {
    let single: InstanceUid | undefined;
    return assign(group, new Random(seed, group.name)).map((behaviour, position): AgentPlan => {
      const name = agentName(group, position);
      const random = new Random(seed, name);
      const made = EPOCH + random.int(0, 2 ** 31);
      // Not of `random`: so many agents need more than its 32 bits to be different.
      const own = newUuidV7(made, hash('sha256', `${seed} uid ${name}`, 'buffer').subarray(0, 10));
      // Every second clone takes the uid of the one before.
      const isClone = behaviour.kind === 'clone';
      const uid = isClone && single !== undefined ? single : own;
      if (isClone) single = single === undefined ? own : undefined;
      const either = random.next() < 0.5 ? 'websocket' : 'http';
      const usual = group.transport === 'mixed' ? either : group.transport;
      const transport = NEEDS_WEBSOCKET.has(behaviour.kind) ? 'websocket' : usual;
      const [port, pid] = [random.int(32_768, 61_000), random.int(10_000, 32_768)];
      return { group, name, uid, transport, behaviour, port, pid };
    });
  });
}

/** The counts over the positions of the group in random order. */
function assign({ count, behaviours }: ScenarioGroup, random: Random): Behaviour[] {
  const assigned: Behaviour[] = new Array(count).fill(good);
  const free = random.shuffle([...assigned.keys()]);
  for (const behaviour of behaviours) {
    for (const position of free.splice(0, behaviour.count)) assigned[position] = behaviour;
  }
  return assigned;
}
