import { AGENT_STATES, PHASES } from '@flaghoist/fleet';
import { z } from 'zod';
import {
  attributes,
  type attributeValue,
  author,
  count,
  hash,
  labels,
  objectName,
  paging,
  revisionNumber,
  revisionRef,
  selector,
  text,
  time,
} from './values.ts';

const admission = z.enum(['open', 'awaiting-approval', 'quarantined', 'revoked']);
const sync = z.enum([
  'unmanaged',
  'in-sync',
  'updating',
  'failed',
  'rolled-back',
  'unhealthy',
  'drifted',
  'unverifiable',
]);

/** The one label derived from admission, connection and sync, in the order in which the first that holds wins. */
export const agentState = z.enum(AGENT_STATES).meta({ id: 'AgentState' });

const reported = z
  .object({
    hash,
    status: z.enum(['UNSET', 'APPLIED', 'APPLYING', 'FAILED']),
    errorMessage: z.string(),
    at: time,
  })
  .meta({
    id: 'ReportedConfig',
    description: 'What the agent last said of a remote configuration, in its own words',
  });

export const agent = z
  .object({
    id: z.string(),
    instanceUid: z.string(),
    name: z.string(),
    group: z.string().nullable(),
    labels,
    connected: z.boolean(),
    lastSeen: time.nullable(),
    transport: z.enum(['websocket', 'http']).nullable(),
    health: z
      .object({ healthy: z.boolean(), status: z.string(), lastError: z.string(), at: time })
      .nullable(),
    capabilities: z.array(z.string()),
    version: z.string().nullable(),
    desired: revisionRef.nullable(),
    reported: reported.nullable(),
    effective: z.object({ digest: z.string(), at: time }).nullable(),
    admission,
    sync,
    state: agentState,
    reason: z.string(),
  })
  .meta({ id: 'Agent' });

export const failureReason = z
  .enum([
    'agent-failed',
    'agent-reverted',
    'restart-loop',
    'lost-contact',
    'apply-timeout',
    'unhealthy',
    'effective-mismatch',
    'no-effective-config',
    'never-acknowledged',
    'identity-conflict',
  ])
  .meta({ id: 'FailureReason' });

const source = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('rollout'), rollout: z.string() }),
  z.object({ kind: z.literal('catch-up'), group: z.string() }),
  z.object({ kind: z.literal('pin') }),
  z.object({ kind: z.literal('retry') }),
]);

const ledgerEntry = z
  .object({
    revision: revisionRef,
    source,
    phase: z.enum(PHASES),
    offeredAt: time,
    sentAt: time.nullable(),
    receivedAt: time.nullable(),
    applyingAt: time.nullable(),
    appliedAt: time.nullable(),
    failedAt: time.nullable(),
    reason: failureReason.nullable(),
    errorMessage: z.string(),
    effective: z
      .object({ verdict: z.enum(['confirmed', 'inconclusive', 'contradicted']), why: z.string(), at: time })
      .nullable(),
    healthySince: time.nullable(),
    provenAt: time.nullable(),
    sends: count,
  })
  .meta({
    id: 'LedgerEntry',
    description: 'How far an agent got with one revision, each step with its time',
  });

const healthTree = z
  .object({
    healthy: z.boolean(),
    status: z.string(),
    lastError: z.string(),
    startTimeUnixNano: z.string(),
    statusTimeUnixNano: z.string(),
    attributes,
    get components(): z.ZodRecord<z.ZodString, z.ZodType<HealthTree>> {
      return z.record(z.string(), healthTree);
    },
  })
  .meta({ id: 'HealthTree' });
export interface HealthTree {
  healthy: boolean;
  status: string;
  lastError: string;
  startTimeUnixNano: string;
  statusTimeUnixNano: string;
  attributes: Record<string, z.output<typeof attributeValue>>;
  components: Record<string, HealthTree>;
}

const pin = z
  .object({
    configuration: z.string(),
    revision: z.int(),
    reason: z.string(),
    author: z.string(),
    at: time,
    expires: time.nullable(),
  })
  .meta({ id: 'Pin' });

export const agentDetail = agent
  .extend({
    firstSeen: time,
    identifyingAttributes: attributes,
    nonIdentifyingAttributes: attributes,
    operatorLabels: labels,
    healthTree: healthTree.nullable(),
    components: z.object({ hash, ids: z.record(z.string(), z.array(z.string())).nullable() }).nullable(),
    pin: pin.nullable(),
    refused: z.array(z.object({ hash, reason: z.string(), message: z.string(), at: time })),
    ledger: z.array(ledgerEntry),
  })
  .meta({ id: 'AgentDetail' });

export const agentFilter = z.object({
  selector: selector.optional(),
  q: z.string().max(200).optional().meta({ description: 'Part of the name, id or instance uid' }),
  group: z.string().optional(),
  state: agentState.optional(),
  ...paging,
});

export const configView = z.enum(['desired', 'offered', 'effective']);
export const agentConfig = z
  .object({
    view: configView,
    revision: revisionRef.nullable(),
    /** When it was assigned, sent or reported. */
    at: time.nullable(),
    files: z.array(
      z.object({ name: z.string(), contentType: z.string(), body: z.string().nullable(), bytes: count }),
    ),
  })
  .meta({
    id: 'AgentConfig',
    description: 'A body is null when the text was over the limit and only its size was kept',
  });

export const pinRequest = z
  .strictObject({
    configuration: objectName,
    revision: revisionNumber,
    reason: text,
    author: author.optional(),
    expires: time.optional(),
  })
  .meta({ id: 'PinRequest' });
