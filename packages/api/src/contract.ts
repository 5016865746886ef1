/**
 * The REST contract: every operation with its inputs, its answer and its errors. The client, `openapi.json`, the types
 * that the server must fill in, the reading of requests and the writing of answers all follow from this table.
 */
import { z } from 'zod';
import { API_LIMITS } from './limits.ts';
import * as agents from './resources/agents.ts';
import * as alerts from './resources/alerts.ts';
import * as configurations from './resources/configurations.ts';
import * as fleet from './resources/fleet.ts';
import * as groups from './resources/groups.ts';
import * as rollouts from './resources/rollouts.ts';
import * as strategies from './resources/strategies.ts';
import { author, count, numeral, objectName, revisionNumber } from './resources/values.ts';
import * as webhooks from './resources/webhooks.ts';
import { type OperationName, ROUTES, type Route } from './routes.ts';

/**
 * `input` holds all inputs by name (`placeOf` tells where each of them travels). Every operation may answer with a
 * `Problem` instead. The event stream answers with one item, which travels in blocks of `id` (the number), `event` (the
 * kind) and `data`, with comments while nothing happens; without a number to resume from it begins with an `id` alone.
 */
function op<Answer extends z.ZodType, Input extends z.ZodRawShape>(
  summary: string,
  response: Answer,
  input: Input,
  success: 200 | 201 | 202 = 200,
) {
  const status: number = response instanceof z.ZodVoid ? 204 : success;
  return { summary, response, input: z.object(input), status };
}

export type Operation = Route & ReturnType<typeof op>;

/** Which part of a list to give, and where the last answer ended. */
const paging = {
  limit: numeral.min(1).max(API_LIMITS.pageSizeMost).default(API_LIMITS.pageSize),
  cursor: z.string().optional(),
};
const nextCursor = z.string().nullable();

/** Pages of a list, with how many there are in all. */
function list<Item extends z.ZodType, Filter extends z.ZodRawShape>(summary: string, item: Item, filter: Filter) {
  return op(summary, z.object({ items: z.array(item), nextCursor, total: count }), { ...filter, ...paging });
}

/** Pages of a history, whose end is not counted. */
function history<Item extends z.ZodType, Filter extends z.ZodRawShape>(summary: string, item: Item, filter: Filter) {
  return op(summary, z.object({ items: z.array(item), nextCursor }), { ...filter, ...paging });
}

const byName = { name: objectName };
const byRevision = { ...byName, revision: revisionNumber };
const id = z.string().min(1).max(200);
const byId = { id: id.describe('Our id') };
const byAgent = { id: id.describe('Our agent id, or the instance UID') };
const ifMatch = {
  /** The version inside an entity tag. */
  ifMatch: z
    .string()
    .overwrite((tag) => tag.replace(/^(W\/)?"(.*)"$/, '$2'))
    .optional()
    .describe('Refused unless this is the present version'),
};
const again = 'A repetition with the same key and body gets the first answer and does nothing; another body is refused';
const idempotencyKey = {
  idempotencyKey: z.string().max(API_LIMITS.idempotencyKeyLength).optional().describe(again),
};
const { group: _, ...memberFilter } = agents.agentFilter;
const agentAct = { ...byAgent, author };
const deletion = { ...byName, author, ...ifMatch };
const nothing = z.void();

const operations = {
  listAgents: list('List agents', agents.agent, agents.agentFilter),
  getAgent: op('Show an agent with its ledger', agents.agentDetail, byAgent),
  labelAgent: op('Set or remove labels of an agent', agents.agent, { ...byAgent, body: agents.labelRequest }),
  deleteAgent: op('Forget an agent', nothing, agentAct),
  getAgentConfig: op('Show what an agent should run, was sent or says it runs', agents.agentConfig, {
    ...byAgent,
    ...agents.configFilter,
  }),
  getAgentTimeline: history('Show the events of an agent, oldest first', fleet.journalEvent, byAgent),
  pinAgent: op('Push a revision to one agent, whatever its group runs', agents.agent, {
    ...byAgent,
    body: agents.pinRequest,
  }),
  labelAgents: op('Set or remove labels of many agents', agents.many, { body: agents.labelManyRequest }),
  pinAgents: op(
    'Push a revision to many agents, as places come free',
    agents.many,
    { body: agents.pinManyRequest },
    202,
  ),
  unpinAgents: op('Give many agents back to their groups', agents.many, { body: agents.manyRequest }, 202),
  restartAgents: op('Tell many agents to restart', agents.many, { body: agents.manyRequest }, 202),
  retryAgents: op('Offer many agents again what they did not apply', agents.many, { body: agents.manyRequest }, 202),
  unpinAgent: op('Give an agent back to its group', agents.agent, agentAct),
  restartAgent: op('Tell an agent to restart', agents.agent, agentAct, 202),
  approveAgent: op('Let in an agent that waits or is in quarantine', agents.agent, agentAct),
  retryAgent: op('Offer an agent again what it did not apply', agents.agent, agentAct, 202),

  listConfigurations: list('List configurations', configurations.configuration, {}),
  getConfiguration: op('Show a configuration', configurations.configuration, byName),
  putConfiguration: op('Create or change a configuration', configurations.configuration, {
    ...byName,
    ...ifMatch,
    body: configurations.configurationRequest,
  }),
  deleteConfiguration: op('Delete a configuration that no group runs', nothing, deletion),
  listRevisions: list('List the revisions of a configuration, newest first', configurations.revision, byName),
  createRevision: op(
    'Save a revision; touches no agent',
    configurations.savedRevision,
    { ...byName, ...idempotencyKey, body: configurations.revisionRequest },
    201,
  ),
  getRevision: op('Show a revision with its texts', configurations.revisionWithFiles, byRevision),
  diffRevisions: op('Compare two revisions of a configuration', configurations.diff, {
    ...byName,
    ...configurations.diffFilter,
  }),

  listGroups: list('List groups', groups.group, {}),
  getGroup: op('Show a group', groups.group, byName),
  putGroup: op('Create or change a group', groups.group, { ...byName, ...ifMatch, body: groups.groupRequest }),
  deleteGroup: op('Delete a group; its agents keep what they run', nothing, deletion),
  listGroupAgents: list('List the agents of a group', agents.agent, { ...byName, ...memberFilter }),

  listStrategies: list('List strategies', strategies.strategy, {}),
  getStrategy: op('Show a strategy', strategies.strategy, byName),
  putStrategy: op('Create or change a strategy; rollouts that run keep what they began with', strategies.strategy, {
    ...byName,
    ...ifMatch,
    body: strategies.strategyRequest,
  }),
  deleteStrategy: op('Delete a strategy that no group uses', nothing, deletion),

  planRollout: op('Show what a rollout would do; nothing changes', rollouts.plans, { body: rollouts.planRequest }),
  startRollout: op(
    'Move a group, or every group that runs a configuration, to a revision',
    rollouts.startedRollouts,
    { ...idempotencyKey, body: rollouts.rolloutRequest },
    201,
  ),
  listRollouts: list('List rollouts, newest first', rollouts.rollout, rollouts.rolloutFilter),
  getRollout: op(
    'Show a rollout, or a push to several groups: how far it is, what failed and why',
    rollouts.rolloutDetail,
    byId,
  ),
  listRolloutTargets: list('List what became of each agent of a rollout', rollouts.target, {
    ...byId,
    ...rollouts.targetFilter,
  }),
  pauseRollout: op('Admit nobody more; who is in flight may finish', rollouts.changedRollouts, {
    ...byId,
    body: rollouts.pauseRequest,
  }),
  resumeRollout: op('Go on, accepting what stood in the way', rollouts.changedRollouts, {
    ...byId,
    body: rollouts.goOnRequest,
  }),
  promoteRollout: op('Open a gate, or skip the rest of a soak or bake', rollouts.changedRollouts, {
    ...byId,
    body: rollouts.goOnRequest,
  }),
  rollbackRollout: op(
    'Give each agent its own last good revision back; after a success, start a rollout to the one before',
    rollouts.changedRollouts,
    { ...byId, body: rollouts.rollbackRequest },
  ),
  stopRollout: op('End it where it is', rollouts.changedRollouts, { ...byId, body: rollouts.stopRequest }),
  retryRollout: op('Ask failed agents once more', rollouts.changedRollouts, { ...byId, body: rollouts.retryRequest }),
  listRolloutEvents: history('List the log of a rollout, oldest first', rollouts.rolloutEvent, {
    ...byId,
    ...rollouts.logFilter,
  }),

  listAlerts: list('List alerts, newest first', alerts.alert, alerts.alertFilter),
  listWebhooks: list('List webhooks', webhooks.webhook, {}),
  getWebhook: op('Show a webhook and how it goes', webhooks.webhook, byName),
  putWebhook: op('Create or change a webhook', webhooks.webhook, {
    ...byName,
    ...ifMatch,
    body: webhooks.webhookRequest,
  }),
  deleteWebhook: op('Delete a webhook, and what waits to be sent to it', nothing, deletion),
  testWebhook: op('Send a test event to a webhook, and tell what it answered', webhooks.webhookTest, {
    ...byName,
    author,
  }),

  getFleet: op('Count the fleet by group, state, version and capability', fleet.fleet, {}),
  streamEvents: op('Follow what happens: in order, nothing lost or doubled', fleet.journalEvent, fleet.eventFilter),
  getVersion: op('Tell the version of the server', fleet.version, {}),
} satisfies Record<OperationName, unknown>;

export type Contract = { readonly [Op in OperationName]: (typeof ROUTES)[Op] & (typeof operations)[Op] };

export const contract = Object.fromEntries(
  Object.entries(ROUTES).map(([name, route]) => [name, { ...route, ...operations[name as OperationName] }]),
) as Contract;
