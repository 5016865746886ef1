import type { Health } from '@flaghoist/fleet';
import { ADMISSIONS, AGENT_STATES, FAILURE_REASONS, PHASES, REMOTE_CONFIG_STATES, SYNCS } from '@flaghoist/fleet';
import { z } from 'zod';
import { API_LIMITS } from '../limits.ts';
import * as v from './values.ts';

const maybeTime = v.time.nullable();

/** The one label derived from admission, connection and sync, in the order in which the first that holds wins. */
export const agentState = z.enum(AGENT_STATES).meta({ id: 'AgentState' });

const reported = v.object(
  'ReportedConfig',
  { hash: v.hash, status: z.enum(REMOTE_CONFIG_STATES), errorMessage: z.string(), at: v.time },
  'What the agent last said of a remote configuration, in its own words',
);

const health = { healthy: z.boolean(), status: z.string(), lastError: z.string() };

export const agent = v.object('Agent', {
  id: z.string(),
  instanceUid: z.string(),
  name: z.string(),
  group: z.string().nullable(),
  labels: v.labels,
  connected: z.boolean(),
  lastSeen: maybeTime,
  transport: z.enum(['websocket', 'http']).nullable(),
  health: z.object({ ...health, at: v.time }).nullable(),
  capabilities: z.array(z.string()),
  version: z.string().nullable(),
  desired: v.revisionRef.nullable(),
  reported: reported.nullable(),
  effective: z.object({ digest: z.string(), at: v.time }).nullable(),
  admission: z.enum(ADMISSIONS),
  sync: z.enum(SYNCS),
  state: agentState,
  reason: z.string(),
});

export const failureReason = z.enum(FAILURE_REASONS).meta({ id: 'FailureReason' });

const source = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('rollout'), rollout: z.string() }),
  z.object({ kind: z.literal('rollback'), rollout: z.string() }),
  z.object({ kind: z.literal('catch-up'), group: z.string() }),
  z.object({ kind: z.literal('pin') }),
  z.object({ kind: z.literal('retry') }),
]);

/** When each step towards a revision was taken. */
export const steps = { sentAt: maybeTime, appliedAt: maybeTime, provenAt: maybeTime, failedAt: maybeTime };

const verdict = z.enum(['confirmed', 'inconclusive', 'contradicted']);
const ledgerEntry = v.object(
  'LedgerEntry',
  {
    revision: v.revisionRef,
    source,
    phase: z.enum(PHASES),
    offeredAt: v.time,
    receivedAt: maybeTime,
    applyingAt: maybeTime,
    ...steps,
    reason: failureReason.nullable(),
    errorMessage: z.string(),
    effective: z.object({ verdict, why: z.string(), at: v.time }).nullable(),
    healthySince: maybeTime,
    sends: v.count,
  },
  'How far an agent got with one revision, each step with its time',
);

const subtree = z.lazy(() => healthTree);
const healthTree: z.ZodType<Health, Health> = v.object('HealthTree', {
  ...health,
  startTimeUnixNano: z.string(),
  statusTimeUnixNano: z.string(),
  attributes: v.attributes,
  components: z.record(z.string(), subtree),
});

const pin = v.object('Pin', {
  configuration: z.string(),
  revision: z.int(),
  reason: z.string(),
  author: z.string(),
  at: v.time,
  expires: maybeTime,
});

export const agentDetail = v.object('AgentDetail', {
  ...agent.shape,
  firstSeen: v.time,
  identifyingAttributes: v.attributes,
  nonIdentifyingAttributes: v.attributes,
  operatorLabels: v.labels,
  healthTree: healthTree.nullable(),
  components: z.object({ hash: v.hash, ids: z.record(z.string(), z.array(z.string())).nullable() }).nullable(),
  pin: pin.nullable(),
  refused: z.array(z.object({ hash: v.hash, reason: z.string(), message: z.string(), at: v.time })),
  ledger: z.array(ledgerEntry),
});

export const agentFilter = {
  selector: v.selector.optional(),
  q: z.string().max(200).optional().describe('Part of the name, id or instance uid'),
  group: z.string().optional(),
  state: agentState.optional(),
};

const configView = z.enum(['desired', 'offered', 'effective']);
export const configFilter = { view: configView.default('effective') };
export const agentConfig = v.object(
  'AgentConfig',
  {
    view: configView,
    revision: v.revisionRef.nullable(),
    /** When it was assigned, sent or reported. */
    at: maybeTime,
    files: z.array(
      z.object({
        name: z.string(),
        contentType: z.string(),
        encoding: z.literal('base64').optional().describe('Of a body that is not UTF-8; else there is none'),
        body: z.string().nullable(),
        bytes: v.count,
      }),
    ),
  },
  'A body is null when the text was over the limit and only its size was kept',
);

export const pinRequest = v.request('PinRequest', {
  configuration: v.objectName,
  revision: v.revisionNumber,
  reason: v.text,
  author: v.author,
  expires: v.time.optional(),
});
export const labelRequest = v.request('LabelRequest', { labels: v.labelChanges, author: v.author });

/** Whom an act on many is for: those that a selector selects, if they are as many as was seen; or these. */
const selection = {
  selector: v.selector.optional(),
  expected: v.count
    .optional()
    .describe('How many agents the selector should select; refused when it is another number'),
  agents: z.array(z.string()).min(1).max(API_LIMITS.agentsPerAct).optional().describe('Those that had no place before'),
};
const isOneChoice = ({ selector, expected, agents }: { selector?: unknown; expected?: unknown; agents?: unknown }) =>
  agents === undefined
    ? selector !== undefined && expected !== undefined
    : selector === undefined && expected === undefined;
const ONE_CHOICE = { error: 'give either selector and expected, or agents' };
const forMany = <Shape extends z.ZodRawShape>(id: string, shape: Shape) =>
  z
    .strictObject({ ...selection, ...shape })
    .refine(isOneChoice, ONE_CHOICE)
    .meta({ id });

export const manyRequest = forMany('ManyAgentsRequest', { author: v.author });
export const labelManyRequest = forMany('LabelManyRequest', labelRequest.shape);
export const pinManyRequest = forMany('PinManyRequest', pinRequest.shape);

const one = { agent: z.string(), name: z.string() };
export const many = v.object('ManyAgents', {
  done: z.array(z.object(one)),
  refused: z.array(z.object({ ...one, code: z.string(), message: z.string() })),
  waiting: z.array(z.string()).describe('Ids of those for whom their groups have no place now: ask again for these'),
});
