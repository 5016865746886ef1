import { parseDocument } from 'yaml';
import { z } from 'zod';
import { type Behaviour, behaviour } from './behaviour.ts';
import { limits } from './limits.ts';
import { agentCount, duration, durations } from './quantity.ts';

const transport = z.enum(['websocket', 'http', 'mixed']);
const label = z.union([z.string(), z.number(), z.boolean()], 'write a text').transform(String);
const NAME = /^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/;

const group = z.strictObject({
  name: z.string().regex(NAME, 'write a name of lowercase letters, digits and hyphens').optional(),
  count: agentCount.optional(),
  /** Non-identifying attributes. */
  labels: z.record(z.string(), label).default({}),
  /** Collector configuration (YAML text) that runs before the first offer, and below every offered one. */
  config: z.string().default(''),
  transport: transport.optional(),
  /** The Supervisor lets the collector check a configuration before it stops the running one. */
  validateConfig: z.boolean().default(false),
  /** Pad effective configs to at least so many bytes. */
  effectiveConfigSize: z.int().min(0).max(limits.effectiveBytes).default(0),
  behaviours: z.array(behaviour).default([]),
});

/** A scenario file; its keys are in README.md. Times in milliseconds. */
const scenarioFile = z
  .strictObject({
    seed: z.uint32().default(1),
    agents: agentCount.default(100),
    transport: transport.default('websocket'),
    /** Of WebSocket heartbeats and HTTP polls. */
    heartbeat: duration.default(30_000),
    applyTimeout: duration.default(5_000),
    /** Stopping and starting a collector takes between these two. */
    restartTime: durations.default([500, 2_000]),
    /** Factor on everything that happens inside agents; heartbeats and reconnects keep their times. */
    timeScale: z.number().positive().max(1000).default(1),
    groups: z.array(group).min(1).prefault([{}]),
  })
  .transform(({ agents, transport: usual, groups, ...scenario }) => ({
    ...scenario,
    groups: groups.map(({ behaviours, ...about }, i) => {
      const { name = groups.length === 1 ? 'agent' : `group-${i}`, count = agents } = about;
      const placed = behaviours.map((one) => ({ ...one, count: agentsWith(one, count) }));
      return { ...about, name, count, transport: about.transport ?? usual, behaviours: placed };
    }),
  }))
  .superRefine(({ heartbeat, groups }, context) => {
    const refuse = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
    for (const [i, { name, count, behaviours }] of groups.entries()) {
      if (groups.findIndex((other) => other.name === name) < i)
        refuse(['groups', i, 'name'], 'is taken by another group');
      const taken = behaviours.reduce((sum, one) => sum + one.count, 0);
      if (taken > count) refuse(['groups', i, 'behaviours'], `takes ${taken} agents of ${count}`);
    }
    const total = groups.reduce((sum, { count }) => sum + count, 0);
    if (total > limits.agents) refuse(['groups'], `has ${total} agents; at most ${limits.agents} are allowed`);
    // opamp-go refuses a polling interval of 0; over WebSocket it means no heartbeats.
    if (heartbeat === 0 && groups.some((one) => one.transport !== 'websocket'))
      refuse(['heartbeat'], 'is 0; agents over HTTP need an interval to poll');
  });

/** A fleet to simulate: everything that the file leaves out is filled in, and each behaviour has its number of agents. */
export type Scenario = z.output<typeof scenarioFile>;

export type ScenarioGroup = Scenario['groups'][number];

/** Agents of a group of this size that have the behaviour. */
function agentsWith({ kind, count }: Behaviour, size: number): number {
  const chosen = typeof count === 'number' ? count : Math.round((Number.parseFloat(count) / 100) * size);
  return kind === 'clone' ? chosen * 2 : chosen;
}

/** A scenario that cannot be used: where it is wrong, what is there, and what is allowed. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

/** The scenario in a YAML text (format: README.md). @param file names it in errors. @throws ScenarioError */
export function parseScenario(yaml: string, file = 'scenario'): Scenario {
  if (Buffer.byteLength(yaml) > limits.scenarioBytes) throw new ScenarioError(`${file}: is over 1 MiB`);
  const document = parseDocument(yaml);
  const [error] = document.errors;
  // Its other lines draw the place.
  if (error !== undefined) throw new ScenarioError(`${file}: ${error.message.split(':\n')[0]}`, { cause: error });
  return scenario(document.toJS() ?? {}, file);
}

/** The scenario in a value of the shape that a scenario file has (durations as `5s`). @throws ScenarioError */
export function scenario(value: unknown, file?: string): Scenario {
  const { data, error } = scenarioFile.safeParse(value, { error: allowed, reportInput: true });
  const [issue] = error?.issues ?? [];
  if (issue === undefined) return data as Scenario;
  const { code, input, message, path } = issue;
  const found = code === 'custom' || code === 'unrecognized_keys' ? message : `is ${shown(input)}; ${message}`;
  throw new ScenarioError([file, z.core.toDotPath(path), found].filter(Boolean).join(': '), { cause: error });
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? 'missing';
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}

const allowed: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_value') return `allowed are ${issue.values.join(', ')}`;
  if (issue.code !== 'unrecognized_keys') return undefined;
  const keys = Object.keys((issue.inst as z.ZodObject).shape);
  return `has the unknown key ${issue.keys.join(', ')}; allowed are ${keys.join(', ')}`;
};
