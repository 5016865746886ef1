/**
 * The REST contract: every operation with its inputs, its answer and its errors. The client, `openapi.json` and the
 * types that the server must fill in all follow from this table.
 */
import { z } from 'zod';
import type { ProblemCode } from '../codes.ts';
import { API_LIMITS } from '../limits.ts';
import * as agents from '../resources/agents.ts';
import * as configurations from '../resources/configurations.ts';
import * as fleet from '../resources/fleet.ts';
import * as groups from '../resources/groups.ts';
import * as rollouts from '../resources/rollouts.ts';
import { author, historyOf, numeral, objectName, pageOf, paging, revisionNumber } from '../resources/values.ts';
import { type OperationName, ROUTES, type Route } from '../routes.ts';

interface Given {
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Inputs that travel as headers, by their names in `HEADERS`. */
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /**
   * The answer is a `text/event-stream` of `response`: blocks of `id` (the number), `event` (the kind) and `data`, and
   * comments while nothing happens. Without a number to resume from it begins with an `id` alone.
   */
  readonly stream?: true;
}

interface Described {
  readonly summary: string;
  readonly response: z.ZodType;
  readonly status: number;
  /** Those that belong to it; `invalid`, `too-large`, `internal` and the like can always come. */
  readonly errors: readonly ProblemCode[];
}

export type Operation = Route & Described & Given;

/** `refusals` are the errors that do not follow from what is given. `status` is 200, or 204 without an answer. */
function op<Answer extends z.ZodType, Input extends Given>(
  summary: string,
  response: Answer,
  given: Input,
  refusals: readonly ProblemCode[] = [],
  status: 200 | 201 | 202 = 200,
) {
  const { params, query, headers } = given;
  const errors: ProblemCode[] = params === undefined || params === byNewName ? [] : ['not-found'];
  errors.push(...refusals);
  if (headers === ifMatch) errors.push('changed-meanwhile');
  if (query !== undefined && 'selector' in query.shape) errors.push('invalid-selector');
  return { summary, response, status: response instanceof z.ZodVoid ? 204 : status, errors, ...given };
}

const byName = z.object({ name: objectName });
const byNewName = z.object({ name: objectName });
const byRevision = z.object({ name: objectName, revision: revisionNumber });
const id = z.string().min(1).max(200);
const byId = z.object({ id: id.meta({ description: 'Our id' }) });
const byAgent = z.object({ id: id.meta({ description: 'Our agent id, or the instance UID' }) });
const byAuthor = z.object({ author: author.optional() });
const inPages = z.object(paging);
const version = z.string().optional().meta({ description: 'Refused unless this is the present version' });
const ifMatch = z.object({ ifMatch: version });
const key = z.string().max(API_LIMITS.idempotencyKeyLength).optional();
const again = 'A repetition with the same key and body gets the first answer and does nothing; another body is refused';
const idempotencyKey = z.object({ idempotencyKey: key.meta({ description: again }) });
const lastEventId = z.object({ lastEventId: numeral.min(0).optional() });
const view = z.object({ view: agents.configView.default('effective') });

const agentAct = { params: byAgent, query: byAuthor };
const deletion = { params: byName, query: byAuthor, headers: ifMatch };
const nothing = z.void();

const operations = {
  listAgents: op('List agents', pageOf(agents.agent), { query: agents.agentFilter }),
  getAgent: op('Show an agent with its ledger', agents.agentDetail, { params: byAgent }),
  labelAgent: op('Set or remove labels of an agent', agents.agent, {
    params: byAgent,
    body: agents.labelRequest,
  }),
  deleteAgent: op('Forget an agent', nothing, agentAct),
  getAgentConfig: op('Show what an agent should run, was sent or says it runs', agents.agentConfig, {
    params: byAgent,
    query: view,
  }),
  getAgentTimeline: op('Show the events of an agent, oldest first', historyOf(fleet.journalEvent), {
    params: byAgent,
    query: inPages,
  }),
  pinAgent: op(
    'Push a revision to one agent, whatever its group runs',
    agents.agent,
    { params: byAgent, body: agents.pinRequest },
    ['refused-hash', 'conflict', 'not-supported'],
  ),
  unpinAgent: op('Give an agent back to its group', agents.agent, agentAct),
  restartAgent: op('Tell an agent to restart', agents.agent, agentAct, ['not-supported', 'conflict'], 202),
  retryAgent: op('Offer an agent again what it did not apply', agents.agent, agentAct, ['conflict'], 202),

  listConfigurations: op('List configurations', pageOf(configurations.configuration), { query: inPages }),
  getConfiguration: op('Show a configuration', configurations.configuration, { params: byName }),
  putConfiguration: op('Create or change a configuration', configurations.configuration, {
    params: byNewName,
    headers: ifMatch,
    body: configurations.configurationRequest,
  }),
  deleteConfiguration: op('Delete a configuration that no group runs', nothing, deletion, ['conflict']),
  listRevisions: op('List the revisions of a configuration, newest first', pageOf(configurations.revision), {
    params: byName,
    query: inPages,
  }),
  createRevision: op(
    'Save a revision; touches no agent',
    configurations.savedRevision,
    { params: byName, headers: idempotencyKey, body: configurations.revisionRequest },
    ['invalid-config', 'conflict'],
    201,
  ),
  getRevision: op('Show a revision with its texts', configurations.revisionWithFiles, { params: byRevision }),
  diffRevisions: op('Compare two revisions of a configuration', configurations.diff, {
    params: byName,
    query: configurations.diffQuery,
  }),
  check: op('Check texts without saving them', configurations.findings, {
    body: configurations.checkRequest,
  }),

  listGroups: op('List groups', pageOf(groups.group), { query: inPages }),
  getGroup: op('Show a group', groups.group, { params: byName }),
  putGroup: op(
    'Create or change a group',
    groups.group,
    { params: byNewName, headers: ifMatch, body: groups.groupRequest },
    ['invalid-selector', 'invalid-strategy', 'conflict', 'rollout-active'],
  ),
  deleteGroup: op('Delete a group; its agents keep what they run', nothing, deletion, ['rollout-active']),
  listGroupAgents: op('List the agents of a group', pageOf(agents.agent), {
    params: byName,
    query: agents.agentFilter.omit({ group: true }),
  }),

  startRollout: op(
    'Move a group, or every group that runs a configuration, to a revision',
    rollouts.startedRollouts,
    { headers: idempotencyKey, body: rollouts.rolloutRequest },
    ['not-found', 'invalid-strategy', 'conflict', 'rollout-active', 'not-supported'],
    201,
  ),
  listRollouts: op('List rollouts, newest first', pageOf(rollouts.rollout), {
    query: rollouts.rolloutFilter,
  }),
  getRollout: op('Show a rollout: how far it is, what failed and why', rollouts.rolloutDetail, {
    params: byId,
  }),
  listRolloutTargets: op('List what became of each agent of a rollout', pageOf(rollouts.target), {
    params: byId,
    query: rollouts.targetFilter,
  }),
  listRolloutEvents: op('List the log of a rollout, oldest first', historyOf(rollouts.rolloutEvent), {
    params: byId,
    query: inPages,
  }),
  listStrategies: op('List the strategies', z.object({ items: z.array(rollouts.strategy) }), {}),

  getFleet: op('Count the fleet by group, state, version and capability', fleet.fleet, {}),
  streamEvents: op(
    'Follow what happens: in order, nothing lost or doubled',
    fleet.journalEvent,
    { query: fleet.eventFilter, headers: lastEventId, stream: true },
    ['gone'],
  ),
  getVersion: op('Tell the version of the server', fleet.version, {}),
} satisfies Record<OperationName, Described>;

export type Contract = { readonly [Op in OperationName]: (typeof ROUTES)[Op] & (typeof operations)[Op] };

const names = Object.keys(ROUTES) as OperationName[];
export const contract = Object.fromEntries(
  names.map((name) => [name, { ...ROUTES[name], ...operations[name] }]),
) as Contract;
