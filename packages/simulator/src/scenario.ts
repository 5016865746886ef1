import { parseDocument } from 'yaml';
import { BEHAVIOURS, type Behaviour, type BehaviourKind } from './behaviour.ts';
import { limits } from './limits.ts';
import {
  duration,
  durations,
  flag,
  fraction,
  labels,
  list,
  mapping,
  oneOf,
  ScenarioError,
  size,
  text,
  whole,
} from './scenario-fields.ts';

/** Agents of a group that get one behaviour: so many, this share of the group, or those at these positions. */
export interface BehaviourShare {
  readonly behaviour: Behaviour;
  readonly count?: number;
  /** Above 0, at most 1; rounded to whole agents. */
  readonly share?: number;
  /** Positions in the group, from 0. */
  readonly at?: readonly number[];
}

export type Transport = 'websocket' | 'http';

export interface ScenarioGroup {
  readonly name: string;
  readonly count: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Collector configuration (YAML text) that runs before the first offer, and below every offered one. */
  readonly config: string;
  readonly transport: Transport | 'mixed';
  /** Version of the collector: `service.version`. */
  readonly version: string;
  /** The Supervisor lets the collector check a configuration before it stops the running one. */
  readonly validateConfig: boolean;
  /** Pad effective configs to at least so many bytes. */
  readonly effectiveConfigSize: number;
  readonly behaviours: readonly BehaviourShare[];
}

/** A fleet to simulate. Times in milliseconds. */
export interface Scenario {
  readonly seed: number;
  /** Of WebSocket heartbeats and HTTP polls. */
  readonly heartbeat: number;
  readonly applyTimeout: number;
  /** Stopping and starting a collector takes between these two. */
  readonly restartTime: readonly [number, number];
  /** Factor on everything that happens inside agents; heartbeats and reconnects keep their times. */
  readonly timeScale: number;
  readonly groups: readonly ScenarioGroup[];
}

const KINDS = Object.keys(BEHAVIOURS) as BehaviourKind[];
const anyText = text(/^/, 'a text');

const shareFields = mapping({
  kind: oneOf(KINDS),
  count: whole(1, limits.agents),
  share: fraction(0, 1),
  at: list(whole(0, limits.agents - 1)),
  component: text(/./, 'a component such as otlp/secondary'),
  message: anyText,
  exitCode: whole(1, 255),
  restartTime: duration,
  after: duration,
  every: duration,
  down: duration,
  from: duration,
  until: duration,
});

const groupFields = mapping({
  name: text(/^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/, 'a name of lowercase letters, digits and hyphens'),
  count: whole(1, limits.agents),
  labels,
  config: anyText,
  transport: oneOf(['websocket', 'http', 'mixed']),
  version: text(/^\d+\.\d+\.\d+$/, 'a version such as 0.149.0'),
  validateConfig: flag,
  effectiveConfigSize: size(limits.effectiveBytes),
  behaviours: list(behaviourShare),
});

const scenarioFields = mapping({
  seed: whole(0, 2 ** 32 - 1),
  agents: whole(1, limits.agents),
  transport: oneOf(['websocket', 'http', 'mixed']),
  heartbeat: duration,
  applyTimeout: duration,
  restartTime: durations,
  timeScale: fraction(0, 1000),
  groups: list(groupFields),
});

/** A scenario as a file says it; everything is optional. Read it with `scenario`. */
export type ScenarioInput = ReturnType<typeof scenarioFields>;

/** The scenario in a YAML text (format: README.md). Throws `ScenarioError`. */
export function parseScenario(yaml: string): Scenario {
  if (Buffer.byteLength(yaml) > limits.scenarioBytes) throw new ScenarioError('', 'the scenario is over 1 MiB');
  const document = parseDocument(yaml);
  const [error] = document.errors;
  if (error !== undefined) throw new ScenarioError('', error.message, { cause: error });
  return scenario(document.toJS() ?? {});
}

/** The scenario in a value of the shape that a scenario file has (durations as `5s`). Throws `ScenarioError`. */
export function scenario(value: unknown): Scenario {
  const input = scenarioFields(value, '');
  const groups = input.groups ?? [{}];
  if (groups.length === 0) throw new ScenarioError('groups', 'is empty; leave it out or name a group');
  const transport = input.transport ?? 'websocket';
  const counts = groupCounts(
    input.agents,
    groups.map(({ count }) => count),
  );
  const complete = groups.map((group, i): ScenarioGroup => {
    const { behaviours = [], name = groups.length === 1 ? 'agent' : `group-${i}` } = group;
    const count = counts[i] ?? 0;
    checkShares(behaviours, count, `groups[${i}].behaviours`);
    return {
      labels: {},
      config: '',
      transport,
      version: '0.149.0',
      validateConfig: false,
      effectiveConfigSize: 0,
      ...group,
      name,
      count,
      behaviours,
    };
  });
  const twice = complete.findIndex(({ name }, i) => complete.findIndex((group) => group.name === name) < i);
  if (twice >= 0) throw new ScenarioError(`groups[${twice}].name`, 'is taken by another group');
  const heartbeat = input.heartbeat ?? 30_000;
  // opamp-go refuses a polling interval of 0; over WebSocket it means no heartbeats.
  if (heartbeat === 0 && complete.some((group) => group.transport !== 'websocket')) {
    throw new ScenarioError('heartbeat', 'is 0; agents over HTTP need an interval to poll');
  }
  return {
    seed: input.seed ?? 1,
    heartbeat,
    applyTimeout: input.applyTimeout ?? 5_000,
    restartTime: input.restartTime ?? [500, 2_000],
    timeScale: input.timeScale ?? 1,
    groups: complete,
  };
}

/** Groups without a count share what `agents` leaves. */
function groupCounts(agents: number | undefined, counts: readonly (number | undefined)[]): number[] {
  const said = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  const open = counts.filter((count) => count === undefined).length;
  const total = agents ?? (open === 0 ? said : said + 100 * open);
  if (total > limits.agents) throw new ScenarioError('agents', `is ${total}; at most ${limits.agents} are allowed`);
  const left = total - said;
  if (open === 0 ? left !== 0 : left < open) {
    throw new ScenarioError('agents', `is ${total}, but the groups count ${said}; leave it out or make them agree`);
  }
  let taken = 0;
  return counts.map((count) => {
    if (count !== undefined) return count;
    taken += 1;
    return Math.floor((left * taken) / open) - Math.floor((left * (taken - 1)) / open);
  });
}

function behaviourShare(value: unknown, path: string): BehaviourShare {
  const { count, share, at, kind, ...options } = shareFields(value, path);
  if (kind === undefined) throw new ScenarioError(path, `has no kind; allowed are ${KINDS.join(', ')}`);
  if ([count, share, at].filter((given) => given !== undefined).length > 1) {
    throw new ScenarioError(path, 'has more than one of count, share and at');
  }
  const allowed: readonly string[] = BEHAVIOURS[kind];
  const extra = Object.keys(options).find((name) => !allowed.includes(name));
  if (extra !== undefined) {
    const choice = allowed.length === 0 ? 'takes no options' : `takes ${allowed.join(', ')}`;
    throw new ScenarioError(`${path}.${extra}`, `does not go with ${kind}, which ${choice}`);
  }
  const which = {
    ...(count !== undefined && { count }),
    ...(share !== undefined && { share }),
    ...(at !== undefined && { at }),
  };
  return { behaviour: { kind, ...options }, ...which };
}

/** Agents that a share takes of a group; a clone takes two each. */
export function sharedAgents({ behaviour, count, share, at }: BehaviourShare, group: number): number {
  const chosen = at?.length ?? count ?? (share === undefined ? 1 : Math.round(share * group));
  return behaviour.kind === 'clone' && at === undefined ? chosen * 2 : chosen;
}

function checkShares(shares: readonly BehaviourShare[], group: number, path: string): void {
  const outside = shares.findIndex(({ at }) => at?.some((position) => position >= group));
  if (outside >= 0) throw new ScenarioError(`${path}[${outside}].at`, `is beyond the ${group} agents of the group`);
  const odd = shares.findIndex(({ behaviour, at = [] }) => behaviour.kind === 'clone' && at.length % 2 === 1);
  if (odd >= 0) throw new ScenarioError(`${path}[${odd}].at`, 'names an odd number of agents; clones come in pairs');
  const positions = shares.flatMap(({ at = [] }) => at);
  if (new Set(positions).size < positions.length) throw new ScenarioError(path, 'names a position twice');
  const taken = shares.reduce((sum, share) => sum + sharedAgents(share, group), 0);
  if (taken > group) throw new ScenarioError(path, `takes ${taken} agents of ${group}; lower the counts or shares`);
}
