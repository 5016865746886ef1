import { parseDocument } from 'yaml';
import { z } from 'zod';
import { type Behaviour, behaviour } from './behaviour.ts';
import { limits } from './limits.ts';
import { agentCount, duration, durations, shown, size, wanted } from './quantity.ts';

const transport = z.enum(['websocket', 'http', 'mixed']);
const label = z.union([z.string(), z.number(), z.boolean()], wanted('a text')).transform(String);
const NAME = /^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/;

const group = z.strictObject({
  name: z.string().regex(NAME, wanted('a name of lowercase letters, digits and hyphens')).optional(),
  count: agentCount.optional(),
  /** Non-identifying attributes. */
  labels: z.record(z.string(), label).default({}),
  /** Collector configuration (YAML text) that runs before the first offer, and below every offered one. */
  config: z.string().default(''),
  transport: transport.optional(),
  /** The Supervisor lets the collector check a configuration before it stops the running one. */
  validateConfig: z.boolean().default(false),
  /** Pad effective configs to at least so many bytes. */
  effectiveConfigSize: size.default(0),
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

/** A scenario that cannot be used: `path` says where, the message what is allowed there. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly code = 'bad-scenario';
  /** Such as `groups[0].behaviours[2].kind`; empty for the whole file. */
  readonly path: string;

  constructor(path: string, problem: string, options?: { readonly cause?: unknown }) {
    super(path === '' ? problem : `${path}: ${problem}`, options);
    this.path = path;
  }
}

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
  const { data, error } = scenarioFile.safeParse(value, { error: explain });
  const [issue] = error?.issues ?? [];
  if (issue !== undefined) throw new ScenarioError(z.core.toDotPath(issue.path), issue.message, { cause: error });
  return data as Scenario;
}

/** What is wrong, with what is there and what is allowed. */
const explain: z.core.$ZodErrorMap = (issue) => {
  const found = `is ${shown(issue.input)}`;
  if (issue.code === 'invalid_value') return `${found}; allowed are ${issue.values.join(', ')}`;
  if (issue.code !== 'unrecognized_keys') return `${found}: ${z.locales.en().localeError(issue)}`;
  const allowed = Object.keys((issue.inst as z.ZodObject).shape);
  return `has the unknown key ${issue.keys.join(', ')}; allowed are ${allowed.join(', ')}`;
};
