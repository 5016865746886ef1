/**
 * The REST contract: every operation with its inputs, its answer and its errors. The client, `openapi.json` and the
 * types that the server must fill in all follow from this table.
 */
import { z } from 'zod';
import type { ProblemCode } from '../errors.ts';
import { API_LIMITS } from '../limits.ts';
import * as agents from '../resources/agents.ts';
import * as configurations from '../resources/configurations.ts';
import * as fleet from '../resources/fleet.ts';
import * as groups from '../resources/groups.ts';
import * as rollouts from '../resources/rollouts.ts';
import { author, historyOf, labelChanges, pageOf, paging } from '../resources/values.ts';
import { type OperationName, ROUTES, type Route } from '../routes.ts';

export interface Operation extends Route {
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Inputs that travel as headers, by their names in `HEADERS`. */
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly status: 200 | 201 | 202 | 204;
  readonly response: z.ZodType;
  /** Those that belong to it; `invalid`, `too-large`, `internal` and the like can always come. */
  readonly errors: readonly ProblemCode[];
  /**
   * The answer is a `text/event-stream` of `response`: blocks of `id` (the number), `event` (the kind) and `data`, and
   * comments while nothing happens. Without a number to resume from it begins with an `id` alone.
   */
  readonly stream?: true;
}

const byId = z.object({ id: z.string().min(1).max(200).meta({ description: 'Our id' }) });
const byAgent = z.object({
  id: z.string().min(1).max(200).meta({ description: 'Our agent id, or the instance UID' }),
});
const ifMatch = z.object({
  ifMatch: z.string().optional().meta({ description: 'Refused unless this is the present version' }),
});
const idempotencyKey = z.object({
  idempotencyKey: z
    .string()
    .max(API_LIMITS.idempotencyKeyLength)
    .optional()
    .meta({ description: 'A repeated request with the same key gets the first answer and does nothing' }),
});
const byAuthor = z.object({ author: author.optional() });
const nothing = z.void();

export const contract = {
  listAgents: {
    ...ROUTES.listAgents,
    summary: 'List agents',
    query: agents.agentFilter,
    status: 200,
    response: pageOf(agents.agent),
    errors: ['invalid-selector'],
  },
  getAgent: {
    ...ROUTES.getAgent,
    summary: 'Show an agent with its ledger',
    params: byAgent,
    status: 200,
    response: agents.agentDetail,
    errors: ['not-found'],
  },
  labelAgent: {
    ...ROUTES.labelAgent,
    summary: 'Set or remove labels of an agent',
    params: byAgent,
    body: z.strictObject({ labels: labelChanges, author: author.optional() }).meta({ id: 'LabelRequest' }),
    status: 200,
    response: agents.agent,
    errors: ['not-found'],
  },
  deleteAgent: {
    ...ROUTES.deleteAgent,
    summary: 'Forget an agent',
    params: byAgent,
    query: byAuthor,
    status: 204,
    response: nothing,
    errors: ['not-found'],
  },
  getAgentConfig: {
    ...ROUTES.getAgentConfig,
    summary: 'Show what an agent should run, was sent or says it runs',
    params: byAgent,
    query: z.object({ view: agents.configView.default('effective') }),
    status: 200,
    response: agents.agentConfig,
    errors: ['not-found'],
  },
  getAgentTimeline: {
    ...ROUTES.getAgentTimeline,
    summary: 'Show the events of an agent, oldest first',
    params: byAgent,
    query: z.object(paging),
    status: 200,
    response: historyOf(fleet.journalEvent),
    errors: ['not-found'],
  },
  pinAgent: {
    ...ROUTES.pinAgent,
    summary: 'Push a revision to one agent, whatever its group runs',
    params: byAgent,
    body: agents.pinRequest,
    status: 200,
    response: agents.agent,
    errors: ['not-found', 'refused-hash', 'conflict', 'not-supported'],
  },
  unpinAgent: {
    ...ROUTES.unpinAgent,
    summary: 'Give an agent back to its group',
    params: byAgent,
    query: byAuthor,
    status: 200,
    response: agents.agent,
    errors: ['not-found'],
  },
  restartAgent: {
    ...ROUTES.restartAgent,
    summary: 'Tell an agent to restart',
    params: byAgent,
    query: byAuthor,
    status: 202,
    response: agents.agent,
    errors: ['not-found', 'not-supported', 'conflict'],
  },
  retryAgent: {
    ...ROUTES.retryAgent,
    summary: 'Offer an agent again what it refused or did not apply',
    params: byAgent,
    query: byAuthor,
    status: 202,
    response: agents.agent,
    errors: ['not-found', 'conflict'],
  },

  listConfigurations: {
    ...ROUTES.listConfigurations,
    summary: 'List configurations',
    query: z.object(paging),
    status: 200,
    response: pageOf(configurations.configuration),
    errors: [],
  },
  getConfiguration: {
    ...ROUTES.getConfiguration,
    summary: 'Show a configuration',
    params: configurations.byName,
    status: 200,
    response: configurations.configuration,
    errors: ['not-found'],
  },
  putConfiguration: {
    ...ROUTES.putConfiguration,
    summary: 'Create or change a configuration',
    params: configurations.byName,
    headers: ifMatch,
    body: configurations.configurationRequest,
    status: 200,
    response: configurations.configuration,
    errors: ['changed-meanwhile'],
  },
  deleteConfiguration: {
    ...ROUTES.deleteConfiguration,
    summary: 'Delete a configuration that no group runs',
    params: configurations.byName,
    query: byAuthor,
    headers: ifMatch,
    status: 204,
    response: nothing,
    errors: ['not-found', 'conflict', 'changed-meanwhile'],
  },
  listRevisions: {
    ...ROUTES.listRevisions,
    summary: 'List the revisions of a configuration, newest first',
    params: configurations.byName,
    query: z.object(paging),
    status: 200,
    response: pageOf(configurations.revision),
    errors: ['not-found'],
  },
  createRevision: {
    ...ROUTES.createRevision,
    summary: 'Save a revision; touches no agent',
    params: configurations.byName,
    headers: idempotencyKey,
    body: configurations.revisionRequest,
    status: 201,
    response: configurations.savedRevision,
    errors: ['not-found', 'invalid-config', 'conflict'],
  },
  getRevision: {
    ...ROUTES.getRevision,
    summary: 'Show a revision with its texts',
    params: configurations.byRevision,
    status: 200,
    response: configurations.revisionWithFiles,
    errors: ['not-found'],
  },
  diffRevisions: {
    ...ROUTES.diffRevisions,
    summary: 'Compare two revisions of a configuration',
    params: configurations.byName,
    query: configurations.diffQuery,
    status: 200,
    response: configurations.diff,
    errors: ['not-found'],
  },
  check: {
    ...ROUTES.check,
    summary: 'Check texts without saving them',
    body: configurations.checkRequest,
    status: 200,
    response: configurations.findings,
    errors: [],
  },

  listGroups: {
    ...ROUTES.listGroups,
    summary: 'List groups',
    query: z.object(paging),
    status: 200,
    response: pageOf(groups.group),
    errors: [],
  },
  getGroup: {
    ...ROUTES.getGroup,
    summary: 'Show a group',
    params: configurations.byName,
    status: 200,
    response: groups.group,
    errors: ['not-found'],
  },
  putGroup: {
    ...ROUTES.putGroup,
    summary: 'Create or change a group',
    params: configurations.byName,
    headers: ifMatch,
    body: groups.groupRequest,
    status: 200,
    response: groups.group,
    errors: ['invalid-selector', 'invalid-strategy', 'conflict', 'rollout-active', 'changed-meanwhile'],
  },
  deleteGroup: {
    ...ROUTES.deleteGroup,
    summary: 'Delete a group; its agents keep what they run',
    params: configurations.byName,
    query: byAuthor,
    headers: ifMatch,
    status: 204,
    response: nothing,
    errors: ['not-found', 'rollout-active', 'changed-meanwhile'],
  },
  listGroupAgents: {
    ...ROUTES.listGroupAgents,
    summary: 'List the agents of a group',
    params: configurations.byName,
    query: agents.agentFilter.omit({ group: true }),
    status: 200,
    response: pageOf(agents.agent),
    errors: ['not-found', 'invalid-selector'],
  },

  startRollout: {
    ...ROUTES.startRollout,
    summary: 'Move a group, or every group that runs a configuration, to a revision',
    headers: idempotencyKey,
    body: rollouts.rolloutRequest,
    status: 201,
    response: rollouts.startedRollouts,
    errors: ['not-found', 'invalid-strategy', 'conflict', 'rollout-active', 'not-supported'],
  },
  listRollouts: {
    ...ROUTES.listRollouts,
    summary: 'List rollouts, newest first',
    query: rollouts.rolloutFilter,
    status: 200,
    response: pageOf(rollouts.rollout),
    errors: [],
  },
  getRollout: {
    ...ROUTES.getRollout,
    summary: 'Show a rollout: how far it is, what failed and why',
    params: byId,
    status: 200,
    response: rollouts.rolloutDetail,
    errors: ['not-found'],
  },
  listRolloutTargets: {
    ...ROUTES.listRolloutTargets,
    summary: 'List what became of each agent of a rollout',
    params: byId,
    query: rollouts.targetFilter,
    status: 200,
    response: pageOf(rollouts.target),
    errors: ['not-found'],
  },
  listRolloutEvents: {
    ...ROUTES.listRolloutEvents,
    summary: 'List the log of a rollout, oldest first',
    params: byId,
    query: z.object(paging),
    status: 200,
    response: historyOf(rollouts.rolloutEvent),
    errors: ['not-found'],
  },
  listStrategies: {
    ...ROUTES.listStrategies,
    summary: 'List the strategies',
    status: 200,
    response: z.object({ items: z.array(rollouts.strategy) }),
    errors: [],
  },

  getFleet: {
    ...ROUTES.getFleet,
    summary: 'Count the fleet by group, state, version and capability',
    status: 200,
    response: fleet.fleet,
    errors: [],
  },
  streamEvents: {
    ...ROUTES.streamEvents,
    summary: 'Follow what happens: in order, nothing lost or doubled',
    query: fleet.eventFilter,
    headers: z.object({ lastEventId: z.coerce.number<number | string>().int().min(0).optional() }),
    status: 200,
    response: fleet.journalEvent,
    errors: ['gone'],
    stream: true,
  },
  getVersion: {
    ...ROUTES.getVersion,
    summary: 'Tell the version of the server',
    status: 200,
    response: fleet.version,
    errors: [],
  },
} as const satisfies Record<OperationName, Operation>;

export type Contract = typeof contract;
